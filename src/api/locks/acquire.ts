import { count, closed, integer, listOf, literal, nullable, optional } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { lockApiLimits as limits } from './limits.ts'
import {
  clientId,
  expiresAt,
  fencingToken,
  grantItem,
  holder,
  lockDelayMs,
  lockType,
  lockTypeOrDefault,
  resourceId,
  resourceItem,
  sessionId,
  ttlLeftMs,
  ttlMs,
  waitMs,
} from './words.ts'

/** `POST /acquire` and `POST /acquire-many`. */

const terms = {
  ttl_ms: optional(ttlMs),
  wait_ms: optional(waitMs),
  session_id: optional(sessionId),
  lock_delay_ms: optional(lockDelayMs),
}

export const acquireRequest = closed(
  { resource_id: resourceId, client_id: clientId, lock_type: optional(lockTypeOrDefault), ...terms },
  { title: 'AcquireRequest' },
)
export type AcquireRequest = Data<typeof acquireRequest>

const wantedItem = closed({ resource_id: resourceId, lock_type: optional(lockTypeOrDefault) }, { title: 'WantedItem' })

export const acquireManyRequest = closed(
  {
    resources: listOf(wantedItem, {
      minItems: 1,
      maxItems: limits.resourcesMax,
      description: 'Each resource once. All are granted together, or none is.',
    }),
    client_id: clientId,
    ...terms,
  },
  { title: 'AcquireManyRequest' },
)
export type AcquireManyRequest = Data<typeof acquireManyRequest>

const position = integer(1, Number.MAX_SAFE_INTEGER, { description: '1 is next.' })
const holders = listOf(holder, { maxItems: limits.holdersMax, description: 'Who holds it now: the first few.' })
const waitTtlMs = nullable(
  count({ description: 'How long the request stays queued unless it is sent again; null while a session carries it.' }),
)

export const acquireGranted = closed(
  {
    status: literal('granted'),
    resource_id: resourceId,
    client_id: clientId,
    lock_type: lockType,
    fencing_token: fencingToken,
    ttl_ms: ttlLeftMs,
    expires_at: expiresAt,
  },
  { title: 'AcquireGranted' },
)
export type AcquireGranted = Data<typeof acquireGranted>

export const acquireQueued = closed(
  {
    status: literal('queued'),
    resource_id: resourceId,
    client_id: clientId,
    lock_type: lockType,
    position,
    holders,
    ttl_ms: waitTtlMs,
  },
  { title: 'AcquireQueued' },
)
export type AcquireQueued = Data<typeof acquireQueued>

export const acquireManyGranted = closed(
  {
    status: literal('granted'),
    client_id: clientId,
    locks: listOf(grantItem, { maxItems: limits.resourcesMax, description: 'In the order of the request.' }),
    ttl_ms: ttlLeftMs,
    expires_at: expiresAt,
  },
  { title: 'AcquireManyGranted' },
)
export type AcquireManyGranted = Data<typeof acquireManyGranted>

export const acquireManyQueued = closed(
  {
    status: literal('queued'),
    client_id: clientId,
    resources: listOf(resourceItem, { maxItems: limits.resourcesMax }),
    position,
    holders,
    ttl_ms: waitTtlMs,
  },
  { title: 'AcquireManyQueued' },
)
export type AcquireManyQueued = Data<typeof acquireManyQueued>
