import { Type } from '#api/type.ts'
import { ringView } from '#api/common/ring.ts'
import { engine, nodeId } from '#api/common/words.ts'
import { boolean, closed, count, listOf, literal, nullable } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { pageFields, queuesQuery } from './queues.ts'

/** `GET /status`: the whole service at one look. */

export const statusQuery = queuesQuery

const storage = closed(
  {
    engine,
    durable: boolean({ description: 'Whether an answered message is on the disks of a majority. Not with a relaxed or volatile engine.' }),
    bytes_used: count({ description: 'By this node.' }),
    bytes_free: nullable(count({ description: 'On its disk; null where it has none of its own.' })),
    entries: count({ description: 'Log entries with messages that are not settled, in the slots of this node.' }),
    warnings: listOf(Type.String(), { maxItems: 64, description: 'What an operator should know.' }),
  },
  { title: 'QueueStorage' },
)

export const queueStatus = closed(
  {
    service: literal('queue'),
    node_id: nodeId,
    cluster_id: nullable(Type.String()),
    engine,
    ring: ringView,
    ...pageFields,
    storage,
  },
  { title: 'QueueStatus' },
)
export type QueueStatus = Data<typeof queueStatus>
