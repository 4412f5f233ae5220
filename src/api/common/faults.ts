import type { Fault } from '#api/errors.ts'
import { faultOf } from '#api/errors.ts'

/** The faults of every service with their words. `retryAfterMs` goes into the answer's `retry-after`. */

export const noLeader = (retryAfterMs = 1_000): Fault<'no_leader'> =>
  faultOf('no_leader', 'no leader with a majority behind it is known; nothing was carried out: try again, on any node', {
    retry_after_ms: retryAfterMs,
  })

export const unavailable = (why: string, retryAfterMs = 1_000): Fault<'unavailable'> =>
  faultOf('unavailable', `${why}; nothing was carried out: try again, or ask another node`, { retry_after_ms: retryAfterMs })

export const overloaded = (what: string, retryAfterMs = 1_000): Fault<'overloaded'> =>
  faultOf('overloaded', `${what}; nothing was carried out: try again later, or ask another node`, { retry_after_ms: retryAfterMs })

/** Of a client that speaks the binary protocol: what it sent is no command of its own. */
export const invalidCommand = (why: string): Fault<'invalid_request'> =>
  faultOf('invalid_request', `not a command of a client: ${why}; nothing was carried out`, {})

export const stopping = (): Fault<'stopping'> =>
  faultOf('stopping', 'this node is being stopped, and does not wait any more: ask another', { retry_after_ms: 1_000 })

export const notReady = (why: string): Fault<'not_ready'> =>
  faultOf('not_ready', `not ready: ${why}: ask another node, or wait`, { retry_after_ms: 1_000 })

export const diskFull = (): Fault<'disk_full'> =>
  faultOf(
    'disk_full',
    'the disk of this node is nearly full, so it takes nothing new; nothing was carried out: make room, or ask another node. ' +
      'What is stored can be read, and given back',
    { retry_after_ms: 10_000 },
  )

export const unknownOutcome = (): Fault<'unknown'> =>
  faultOf('unknown', 'no answer in time: the request may have been carried out, or may yet be: ask for the state, or send it again', {})

export const internal = (requestId: string): Fault<'internal'> =>
  faultOf('internal', `this node failed to answer; its log has the reason under ${requestId}`, {})
