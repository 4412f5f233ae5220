import { Type } from '#api/type.ts'
import type { ErrorEntry } from '#api/error-entry.ts'
import { queueFull } from '#api/common/errors.ts'
import { none, retryAfterMs, retryLater } from '#api/error-entry.ts'
import { count, listOf, nullable } from '#api/schemas.ts'
import { lockApiLimits as limits } from './limits.ts'
import { holder, waitLink } from './words.ts'

/** Errors of the lock service. */
export const lockErrors = {
  lock_timeout: {
    status: 408,
    retryable: true,
    summary: 'The lock was not free within `wait_ms`. The request has left the queue and holds nothing.',
    details: {
      holders: listOf(holder, { maxItems: limits.holdersMax }),
      retry_after_ms: nullable(retryAfterMs),
    },
  },
  deadlock: {
    status: 409,
    retryable: false,
    summary: 'Waiting would never end: each client of `cycle` waits for the next one. Release what you hold, then begin again.',
    details: {
      cycle: listOf(Type.String(), { maxItems: limits.cycleMax, description: 'Clients; the last waits for the first.' }),
      waits: listOf(waitLink, { maxItems: limits.cycleMax, description: 'The same with the resources.' }),
      cycle_length: count({ description: 'How many clients it has; the lists hold the first few.' }),
    },
  },
  wait_die: {
    status: 409,
    retryable: true,
    summary: 'An older client is in the way, and this cluster lets only older ones wait for younger. Release what you hold, ask later.',
    details: none,
  },
  wounded: {
    status: 409,
    retryable: false,
    summary: 'An older client waits for a lock of this one, which gets nothing more until it has released all it holds.',
    details: none,
  },
  not_holder: { status: 409, retryable: false, summary: 'The client does not hold that lock, or not by that token.', details: none },
  wrong_client: { status: 409, retryable: false, summary: 'The session belongs to another client.', details: none },
  conflicting_request: {
    status: 409,
    retryable: false,
    summary: 'The client has a part of it already by another request. Release that first.',
    details: none,
  },
  superseded: { status: 409, retryable: false, summary: 'A newer request of the client took its place in the queue over.', details: none },
  hold_ended: {
    status: 409,
    retryable: false,
    summary: 'The shared lock that was to become exclusive has ended. What was read under it may have changed: begin again.',
    details: none,
  },
  withdrawn: {
    status: 409,
    retryable: false,
    summary: 'The client has left the queue by a release, or given back what the request built on.',
    details: none,
  },
  carried_by_session: {
    status: 409,
    retryable: false,
    summary: 'The lock lives as long as its session. Keep that alive instead.',
    details: none,
  },
  unknown_resource: { status: 404, retryable: false, summary: 'Nobody holds that resource or waits for it.', details: none },
  unknown_session: { status: 404, retryable: false, summary: 'There is no such session to end: it is over.', details: none },
  session_lost: {
    status: 410,
    retryable: false,
    summary: 'The session has ended, or never was. What it held is lost. Nothing was carried out. Open another.',
    details: none,
  },
  queue_full: queueFull,
  too_many_holders: { status: 429, retryable: true, summary: 'As many clients share that resource as may.', details: retryLater },
  too_many_resources: { status: 429, retryable: true, summary: 'As many resources are in use as may be.', details: retryLater },
  too_many_locks: { status: 429, retryable: true, summary: 'The client holds and waits for as much as it may.', details: retryLater },
  too_many_waits: { status: 429, retryable: true, summary: 'The client has as many requests waiting as it may.', details: retryLater },
  too_many_sessions: {
    status: 429,
    retryable: true,
    summary: 'There are as many sessions as may be, of all or of this client.',
    details: retryLater,
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>
