import { boolean, closed, durationMs, leftMs, literal, optional } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { lockApiLimits as limits, lockDefaults } from './limits.ts'
import { clientId, lockDelayMs, sessionId } from './words.ts'

export const openSessionRequest = closed(
  {
    client_id: clientId,
    ttl_ms: optional(
      durationMs(limits.sessionTtlMsMin, limits.ttlMsMax, {
        default: lockDefaults.session_ttl_ms,
        description:
          'After so long without a keep-alive the session ends and all it holds is lost. Less than four of the longest election time-outs of the cluster is raised to that.',
      }),
    ),
    lock_delay_ms: optional(lockDelayMs),
  },
  { title: 'OpenSessionRequest' },
)
export type OpenSessionRequest = Data<typeof openSessionRequest>

const leaseMs = leftMs({ description: 'Count it from when you sent the request: then it ends for you before it ends here.' })

export const sessionOpened = closed(
  { status: literal('opened'), session_id: sessionId, client_id: clientId, ttl_ms: leaseMs },
  { title: 'SessionOpened' },
)
export type SessionOpened = Data<typeof sessionOpened>

export const sessionPath = closed({ session_id: sessionId })
export type SessionPath = Data<typeof sessionPath>

export const sessionKept = closed(
  {
    status: literal('kept'),
    session_id: sessionId,
    ttl_ms: leaseMs,
    wounded: boolean({ description: 'An older client waits for a lock of this one: release all you hold.' }),
  },
  { title: 'SessionKept' },
)
export type SessionKept = Data<typeof sessionKept>

export const sessionEnded = closed({ status: literal('ended'), session_id: sessionId }, { title: 'SessionEnded' })
export type SessionEnded = Data<typeof sessionEnded>
