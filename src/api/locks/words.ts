import { Type } from '#api/type.ts'
import { closed, durationMs, instant, integer, leftMs, nullable, oneOf, text } from '#api/schemas.ts'
import { lockApiLimits as limits, lockDefaults } from './limits.ts'

/** What lock requests and answers share. */

export const resourceId = text(limits.nameBytesMax, { description: 'Names the lock. Any text will do.', examples: ['db_table'] })
export const clientId = text(limits.nameBytesMax, {
  description: 'Who asks. All that bears this name counts as one party when deadlocks are looked for.',
  examples: ['client_A'],
})
export const sessionId = Type.String({
  pattern: '^[A-Za-z0-9_-]{1,64}$',
  description: 'From `POST /sessions`.',
  examples: ['5f0c2c1e9d7a4b3f8a6d1e2f3a4b5c6d'],
})
export const lockType = oneOf(['exclusive', 'shared'], {
  description: 'An exclusive lock has one holder; a shared one may have many.',
})
export const lockTypeOrDefault = oneOf(['exclusive', 'shared'], { default: lockDefaults.lock_type })
export const fencingToken = integer(1, Number.MAX_SAFE_INTEGER, {
  description: 'Larger than that of any grant before. Pass it on with what you do under the lock, and let the target refuse smaller ones.',
  examples: [7],
})
export const ttlMs = durationMs(0, limits.ttlMsMax, {
  default: lockDefaults.ttl_ms,
  description:
    'The lease: after so long without `POST /extend` the lock is lost. 0 is until released. Under a session leave it out, or say 0.',
})
export const waitMs = durationMs(0, limits.waitMsMax, {
  description:
    'How long to wait for the answer. 0 does not wait. Left out, the request is queued, answered at once, and granted in the background.',
})
export const lockDelayMs = durationMs(0, limits.lockDelayMsMax, {
  default: lockDefaults.lock_delay_ms,
  description: 'How long the resource stays closed after the lock was lost rather than released.',
})

/** In answers. */
export const ttlLeftMs = nullable(
  leftMs({ description: 'What is left of the lease, counted when the answer was made; null when the lock has no end of its own.' }),
)
export const expiresAt = nullable(
  instant({ description: 'By the clock of the leader: for people. Count `ttl_ms` from when you sent the request instead.' }),
)

export const holder = closed({ client_id: clientId, lock_type: lockType, fencing_token: fencingToken }, { title: 'Holder' })

export const resourceItem = closed({ resource_id: resourceId, lock_type: lockType }, { title: 'ResourceItem' })
export const grantItem = closed({ resource_id: resourceId, lock_type: lockType, fencing_token: fencingToken }, { title: 'GrantItem' })

/** A link of a cycle, or an edge of the wait-for graph. */
export const waitLink = closed(
  {
    client_id: Type.String({ description: 'Who waits.' }),
    waits_for: Type.String({ description: 'The client in the way.' }),
    resource_id: Type.String({ description: 'In the queue of which resource.' }),
    behind: oneOf(['holder', 'waiter'], { description: 'Whether that client holds the resource or stands earlier in its queue.' }),
  },
  { title: 'WaitLink' },
)
