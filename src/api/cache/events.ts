import { Type } from '#api/type.ts'
import { stamp } from '#api/common/events.ts'
import { nodeId } from '#api/common/words.ts'
import { boolean, closed, integer, literal, nullable, oneOf } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { cacheApiLimits as limits } from './limits.ts'
import { key, lineState, value, version } from './words.ts'

const slot = integer(0, limits.slotsMax)

/** What the cache service publishes to `GET /events`. */
export const cacheEvents = {
  homeBegan: closed(
    { type: literal('home-began'), ...stamp, slot, node_id: nodeId, term: integer(1, Number.MAX_SAFE_INTEGER) },
    { title: 'HomeBegan', description: 'This node became home of a slot, and waits for those who had lines before.' },
  ),
  slotLost: closed(
    { type: literal('slot-lost'), ...stamp, slot, times: integer(1, Number.MAX_SAFE_INTEGER) },
    { title: 'SlotLost', description: 'The slot lost most of its replicas in memory, for the n-th time, and begins anew, empty.' },
  ),
  homeEnded: closed({ type: literal('home-ended'), ...stamp, slot, node_id: nodeId }, { title: 'HomeEnded' }),
} as const

/** What `GET /bus` tells. */
export const busEvents = {
  transaction: closed(
    {
      type: literal('bus'),
      ...stamp,
      transaction: oneOf(['BusRd', 'BusRdX', 'BusUpgr', 'Flush', 'Downgrade', 'Invalidate', 'Answer'], {
        description: 'What an agent asks, what the home asks of those who have copies, or what the home answers.',
      }),
      key,
      slot,
      from: Type.String({ description: 'A node.' }),
      to: Type.String({ description: 'A node.' }),
      grants: nullable({ ...lineState, description: 'The right that an answer brings; null: none, or no answer.' }),
      seen: oneOf(['sent', 'received'], { description: 'By this node.' }),
    },
    { title: 'BusTransaction' },
  ),
} as const

/** What `GET /watch/{key}` tells. */
export const watchEvents = {
  value: closed(
    { key, value, found: boolean(), version },
    { title: 'WatchedValue', description: 'The value now; null and `found` false when there is none.' },
  ),
} as const

export type CacheEventView = Data<(typeof cacheEvents)[keyof typeof cacheEvents]>
export type BusEvent = Data<(typeof busEvents)['transaction']>
