import type { ErrorCode } from '#api/errors.ts'
import type { Holder, Hop, LockAnswer, RefusalCode } from '#core/lock/types.ts'

/** What only a client can say. */
type OwnCode =
  /** No node could be reached. `details.tried` lists each address and why. */
  | 'connection_failed'
  /** No answer in time. No lock is held: whatever came of it is taken back. No message was sent, no value was written. */
  | 'timeout'
  /** The signal of the call was aborted; its reason is the `cause`. */
  | 'aborted'
  /** The client, or the owner, was closed. */
  | 'closed'
  /** The lease could not be renewed in time: another may hold the lock, or have the message. */
  | 'lease_expired'
  /** An operator has taken the lock away. */
  | 'forced'

export type LockstepErrorCode = ErrorCode | OwnCode

/** Whether the very same call may be made again later, and may then succeed. A test compares it with the registry of the API. */
export const retryable: ReadonlyMap<LockstepErrorCode, boolean> = new Map([
  ['connection_failed', true],
  ['timeout', true],
  ['aborted', false],
  ['closed', false],
  ['lease_expired', true],
  ['forced', false],
  ['invalid_request', false],
  ['unauthorized', false],
  ['forbidden', false],
  ['rate_limited', true],
  ['internal', false],
  ['no_leader', true],
  ['unavailable', true],
  ['overloaded', true],
  ['stopping', true],
  ['unknown', true],
  ['disk_full', true],
  ['lock_timeout', true],
  ['deadlock', false],
  ['wait_die', true],
  ['wounded', false],
  ['not_holder', false],
  ['wrong_client', false],
  ['conflicting_request', false],
  ['superseded', false],
  ['hold_ended', false],
  ['withdrawn', false],
  ['session_lost', false],
  ['queue_full', true],
  ['too_many_holders', true],
  ['too_many_resources', true],
  ['too_many_locks', true],
  ['too_many_waits', true],
  ['too_many_sessions', true],
  ['unknown_queue', false],
  ['queue_deleting', true],
  ['partitions_fixed', false],
  ['stale_revision', false],
  ['dead_letter_cycle', false],
  ['redrive_active', false],
  ['no_redrive', false],
  ['unknown_message', false],
  ['stale_receipt', false],
  ['not_delivered', false],
  ['not_scheduled', false],
  ['message_too_large', false],
  ['wrong_partition', false],
  ['out_of_sequence', false],
  ['already_answered', false],
  ['unknown_producer', false],
  ['dedupe_full', true],
  ['slot_full', true],
  ['in_flight_full', true],
  ['too_many_queues', true],
  ['too_many_partitions', true],
  ['too_many_consumers', true],
  ['too_many_producers', true],
  ['version_mismatch', false],
  ['not_a_number', false],
  ['number_out_of_range', false],
  ['value_too_large', false],
  ['too_many_operations', true],
  ['memory_full', true],
])

export interface ErrorDetails {
  /** Of `deadlock`: each of these owners waits for the next one, and the last for the first. */
  readonly cycle?: readonly string[]
  /** Of `deadlock`: the same with the resources. */
  readonly waits?: readonly { readonly client: string; readonly resource: string; readonly behind: Hop['behind'] }[]
  /** Of `lock_timeout`: who was in the way, as far as that is known. */
  readonly holders?: readonly { readonly client: string; readonly mode: Holder['mode']; readonly fencingToken: number }[]
  readonly retryAfterMs?: number
  /** Of `connection_failed`. */
  readonly tried?: readonly { readonly address: string; readonly reason: string }[]
  /** Of `timeout`: what the last attempt came to. */
  readonly last?: string
}

interface LockstepErrorOptions extends ErrorOptions {
  readonly details?: ErrorDetails
  /** Of a call that does harm when it is made twice. */
  readonly retryable?: boolean
}

/** All that a client throws. Act on `code`; the message is for people. */
export class LockstepError extends Error {
  override readonly name = 'LockstepError'
  readonly code: LockstepErrorCode
  readonly retryable: boolean
  readonly details: ErrorDetails

  constructor(code: LockstepErrorCode, message: string, options: LockstepErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.retryable = options.retryable ?? retryable.get(code) ?? false
    this.details = options.details ?? {}
  }
}

export const abortedBy = (signal: AbortSignal): LockstepError =>
  new LockstepError('aborted', 'the call was aborted by its signal', { cause: signal.reason })

/** Of a request for `names` that was not granted. */
export function errorOfAnswer(answer: LockAnswer, names: readonly string[]): LockstepError {
  const what = names.map((name) => JSON.stringify(name)).join(', ')
  switch (answer.type) {
    case 'deadlock': {
      const cycle = answer.cycle.map(({ client }) => client)
      const waits = answer.cycle.map(({ client, resource, behind }) => ({ client, resource, behind }))
      const message = `waiting for ${what} would never end: ${cycle.join(' waits for ')} waits for ${cycle[0] ?? ''}. Release what you hold, then begin again`
      return new LockstepError('deadlock', message, { details: { cycle, waits } })
    }
    case 'timed-out': {
      const holders = answer.holders.map(({ client, mode, token }) => ({ client, mode, fencingToken: token }))
      const details = answer.retryAfterMs === null ? { holders } : { holders, retryAfterMs: answer.retryAfterMs }
      return new LockstepError('lock_timeout', `${what} was not free in time; the request holds nothing and does not wait`, { details })
    }
    case 'refused':
      return new LockstepError(codeOf(answer.code), `${what}: ${answer.code}${answer.detail === '' ? '' : ` (${answer.detail})`}`)
    default:
      return new LockstepError('internal', `${what}: the service answered ${answer.type}`)
  }
}

function codeOf(code: RefusalCode): LockstepErrorCode {
  switch (code) {
    case 'malformed':
    case 'invalid':
      return 'invalid_request'
    case 'already_answered':
      return 'unknown'
    case 'session_exists':
    case 'stale_term':
    case 'newer':
      return 'internal'
    default:
      return code
  }
}
