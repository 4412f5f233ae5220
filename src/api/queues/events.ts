import { stamp } from '#api/common/events.ts'
import { boolean, closed, count, integer, literal } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { queueApiLimits as limits } from './limits.ts'
import { queueName } from './words.ts'

const partition = { queue: queueName, partition: integer(0, limits.partitionsMax - 1) } as const

/** What the queue service publishes to `GET /events`. */
export const queueEvents = {
  moved: closed(
    {
      type: literal('messages-moved'),
      ...stamp,
      ...partition,
      slot: integer(0, 65_535),
      enqueued: count(),
      delivered: count(),
      acknowledged: count(),
      returned: count({ description: 'Released, failed, or not acked in time.' }),
      failed: count(),
      dead: count(),
      forwarded: count({ description: 'Now in the queue of dead letters, or back from it.' }),
      expired: count({ description: 'Their ttl was over.' }),
      dropped: count({ description: 'By a limit of length, a cancellation or a purge.' }),
    },
    { title: 'MessagesMoved', description: 'How many messages of a partition went which way since the event before.' },
  ),
  configured: closed(
    { type: literal('queue-configured'), ...stamp, queue: queueName, partitions: integer(1, limits.partitionsMax), paused: boolean() },
    { title: 'QueueConfigured' },
  ),
  deleted: closed({ type: literal('queue-deleted'), ...stamp, queue: queueName }, { title: 'QueueDeleted' }),
  redriveEnded: closed({ type: literal('redrive-ended'), ...stamp, ...partition, moved: count() }, { title: 'RedriveEnded' }),
} as const

export type QueueEventView = Data<(typeof queueEvents)[keyof typeof queueEvents]>
