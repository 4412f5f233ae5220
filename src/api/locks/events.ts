import { stamp } from '#api/common/events.ts'
import { closed, listOf, literal, nullable, oneOf } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { lockApiLimits as limits } from './limits.ts'
import { clientId, fencingToken, grantItem, lockType, resourceId, resourceItem, waitLink } from './words.ts'

/** What the lock service publishes to `GET /events`. */
export const lockEvents = {
  granted: closed(
    { type: literal('granted'), ...stamp, client_id: clientId, locks: listOf(grantItem, { maxItems: limits.resourcesMax }) },
    { title: 'LockGranted' },
  ),
  holdEnded: closed(
    {
      type: literal('hold-ended'),
      ...stamp,
      client_id: clientId,
      resource_id: resourceId,
      fencing_token: fencingToken,
      reason: oneOf(['released', 'released-elsewhere', 'lease-expired', 'session-expired', 'session-closed', 'forced', 'abandoned']),
    },
    { title: 'HoldEnded' },
  ),
  downgraded: closed(
    {
      type: literal('downgraded'),
      ...stamp,
      client_id: clientId,
      resource_id: resourceId,
      fencing_token: fencingToken,
      lock_type: lockType,
    },
    { title: 'LockDowngraded' },
  ),
  waitEnded: closed(
    {
      type: literal('wait-ended'),
      ...stamp,
      client_id: clientId,
      resources: listOf(resourceItem, { maxItems: limits.resourcesMax }),
      reason: oneOf(['cancelled', 'timed-out', 'deadlock', 'refused']),
    },
    { title: 'WaitEnded' },
  ),
  sessionOpened: closed({ type: literal('session-opened'), ...stamp, client_id: clientId }, { title: 'SessionOpenedEvent' }),
  sessionEnded: closed(
    { type: literal('session-ended'), ...stamp, client_id: nullable(clientId), reason: oneOf(['expired', 'closed']) },
    { title: 'SessionEndedEvent' },
  ),
  deadlock: closed(
    {
      type: literal('deadlock'),
      ...stamp,
      victim: clientId,
      waits: listOf(waitLink, { maxItems: limits.cycleMax }),
    },
    { title: 'DeadlockFound' },
  ),
  wounded: closed({ type: literal('wounded'), ...stamp, client_id: clientId, by: clientId }, { title: 'ClientWounded' }),
} as const

export type LockEventView = Data<(typeof lockEvents)[keyof typeof lockEvents]>
