import { boolean, closed, listOf, literal, oneOf, optional, text } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { lockApiLimits as limits } from './limits.ts'
import { clientId, expiresAt, fencingToken, holder, resourceId, sessionId, ttlLeftMs, ttlMs } from './words.ts'

/** `POST /release`, `/extend`, `/check` and `/force-release`: calls about what is held. */

const grantMeant = optional({
  ...fencingToken,
  description: 'Which grant is meant. With it, a late copy of the request cannot meet a newer one.',
})

export const releaseRequest = closed(
  { resource_id: resourceId, client_id: clientId, fencing_token: grantMeant, session_id: optional(sessionId) },
  { title: 'ReleaseRequest' },
)
export type ReleaseRequest = Data<typeof releaseRequest>

const grantedTo = listOf(holder, { maxItems: limits.holdersMax, description: 'Who got the resource by this: the first few.' })

export const released = closed({ status: literal('released'), granted_to: grantedTo }, { title: 'Released' })
export type Released = Data<typeof released>

export const extendRequest = closed(
  { resource_id: resourceId, client_id: clientId, ttl_ms: optional(ttlMs), fencing_token: grantMeant },
  { title: 'ExtendRequest' },
)
export type ExtendRequest = Data<typeof extendRequest>

export const extended = closed(
  {
    status: literal('extended'),
    resource_id: resourceId,
    client_id: clientId,
    fencing_token: fencingToken,
    ttl_ms: ttlLeftMs,
    expires_at: expiresAt,
  },
  { title: 'Extended' },
)
export type Extended = Data<typeof extended>

export const checkRequest = closed({ resource_id: resourceId, fencing_token: fencingToken }, { title: 'CheckRequest' })
export type CheckRequest = Data<typeof checkRequest>

export const checked = closed(
  {
    valid: boolean({ description: 'True only while that very grant is held.' }),
    reason: oneOf(['held', 'expired', 'superseded'], {
      description: '`expired`: that grant is over and no newer one stands against it; `superseded`: there was a newer one.',
    }),
  },
  { title: 'Checked' },
)
export type Checked = Data<typeof checked>

export const forceReleaseRequest = closed(
  {
    resource_id: resourceId,
    client_id: optional({ ...clientId, description: 'Whose lock is taken away; left out: of everybody who holds it.' }),
    reason: optional(text(limits.reasonBytesMax, { description: 'For the audit log.' })),
  },
  { title: 'ForceReleaseRequest' },
)
export type ForceReleaseRequest = Data<typeof forceReleaseRequest>
