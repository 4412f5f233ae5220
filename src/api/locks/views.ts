import { Type } from '#api/type.ts'
import { consistency, standing } from '#api/common/words.ts'
import { boolean, closed, count, instant, integer, listOf, nullable, oneOf, optional, text } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { lockApiLimits as limits, lockDefaults } from './limits.ts'
import { clientId, expiresAt, fencingToken, lockType, resourceId, waitLink } from './words.ts'

/** `GET /locks`, `/locks/{resource_id}` and `/deadlocks`: what is held, and who waits for whom. */

const holderView = closed(
  { client_id: clientId, lock_type: lockType, fencing_token: fencingToken, expires_at: expiresAt },
  { title: 'HolderView' },
)
const waiterView = closed(
  {
    client_id: clientId,
    lock_type: lockType,
    position: integer(1, Number.MAX_SAFE_INTEGER, { description: '1 is next.' }),
    upgrade: boolean({ description: 'Holds it shared and wants it exclusive, so it goes ahead of the queue.' }),
    ends_at: nullable(instant({ description: 'When it leaves the queue; null while a session carries it.' })),
  },
  { title: 'WaiterView' },
)

const lockFields = (listedMax: number) =>
  ({
    resource_id: resourceId,
    holders: listOf(holderView, { maxItems: listedMax, description: 'By token: the first few.' }),
    holder_count: count(),
    waiters: listOf(waiterView, { maxItems: listedMax, description: 'In the order in which they are served: the first few.' }),
    waiter_count: count(),
    closed_until: nullable(instant({ description: 'While a lock delay runs, its end; null otherwise.' })),
  }) as const

const lockView = closed(lockFields(limits.listedPerLockMax), { title: 'LockView' })

export const locksQuery = closed({
  consistency: optional(consistency),
  prefix: optional(text(limits.nameBytesMax, { description: 'Only resources whose name begins so.' })),
  after: optional(text(limits.nameBytesMax, { description: 'Go on behind this resource: `next` of the page before.' })),
  limit: optional(integer(1, limits.pageMax, { default: lockDefaults.page, description: 'How many to list.' })),
})
export type LocksQuery = Data<typeof locksQuery>

export const locksView = closed(
  {
    ...standing,
    locks: listOf(lockView, { maxItems: limits.pageMax, description: 'By name, in the order of UTF-16 code units.' }),
    next: nullable(Type.String({ description: 'Give it as `after` for the next page; null: this is the last one.' })),
  },
  { title: 'LocksView' },
)
export type LocksView = Data<typeof locksView>

export const lockPath = closed({ resource_id: resourceId })
export const consistencyQuery = closed({ consistency: optional(consistency) })
export type ConsistencyQuery = Data<typeof consistencyQuery>
export type LockQuery = Data<typeof lockPath> & ConsistencyQuery

export const lockDetail = closed({ ...standing, ...lockFields(limits.listedMax) }, { title: 'LockDetail' })
export type LockDetail = Data<typeof lockDetail>

const mode = oneOf(['requester', 'youngest', 'fewest-locks', 'wait-die', 'wound-wait'], {
  description: 'Whose wait ends: the first three find cycles and choose, the other two prevent them by age.',
})

const deadlockRecord = closed(
  {
    at: instant(),
    mode,
    victim: Type.String({ description: 'The client whose wait was ended. It kept its locks.' }),
    cycle: listOf(Type.String(), { maxItems: limits.cycleMax, description: 'Clients; the last waits for the first.' }),
    waits: listOf(waitLink, { maxItems: limits.cycleMax }),
    cycle_length: count(),
  },
  { title: 'DeadlockRecord' },
)

export const deadlocksView = closed(
  {
    ...standing,
    mode,
    graph: listOf(waitLink, { maxItems: limits.edgesMax, description: 'Who waits for whom, now.' }),
    truncated: boolean({ description: 'There are more edges than are listed.' }),
    found: count({ description: 'Deadlocks since the cluster was formed.' }),
    recent: listOf(deadlockRecord, { maxItems: limits.deadlocksMax, description: 'The last ones, newest first.' }),
  },
  { title: 'DeadlocksView' },
)
export type DeadlocksView = Data<typeof deadlocksView>
