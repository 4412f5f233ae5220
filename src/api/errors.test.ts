import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { RefusalCode } from '#core/lock/types.ts'
import { serviceErrors } from '#api/common/errors.ts'
import { noLeader } from '#api/common/faults.ts'
import { ApiError, errorBodyOf, errorCodes, errorRegistry, faultOf, isRetryable, retryAfterSeconds } from './errors.ts'
import { lockErrors } from '#api/locks/errors.ts'

const known = {
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  foreign_origin: 403,
  unknown_host: 421,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  payload_too_large: 413,
  uri_too_long: 414,
  unsupported_media_type: 415,
  headers_too_large: 431,
  unknown_member: 404,
  unknown_slot: 404,
  member_alive: 409,
  member_dead: 409,
  last_member: 409,
  no_majority: 409,
  cannot_lead: 409,
  unsupported: 409,
  certificate_refused: 403,
  https_required: 426,
  overloaded: 429,
  rate_limited: 429,
  internal: 500,
  no_leader: 503,
  unavailable: 503,
  not_ready: 503,
  stopping: 503,
  unknown: 504,
  disk_full: 507,
  lock_timeout: 408,
  deadlock: 409,
  wait_die: 409,
  wounded: 409,
  not_holder: 409,
  wrong_client: 409,
  conflicting_request: 409,
  superseded: 409,
  hold_ended: 409,
  withdrawn: 409,
  carried_by_session: 409,
  unknown_resource: 404,
  unknown_session: 404,
  session_lost: 410,
  queue_full: 429,
  too_many_holders: 429,
  too_many_resources: 429,
  too_many_locks: 429,
  too_many_waits: 429,
  too_many_sessions: 429,
  unknown_queue: 404,
  queue_deleting: 503,
  partitions_fixed: 409,
  stale_revision: 409,
  dead_letter_cycle: 409,
  redrive_active: 409,
  no_redrive: 409,
  unknown_message: 404,
  stale_receipt: 409,
  not_delivered: 409,
  not_scheduled: 409,
  message_too_large: 413,
  wrong_partition: 409,
  out_of_sequence: 409,
  already_answered: 409,
  unknown_producer: 409,
  dedupe_full: 429,
  slot_full: 429,
  in_flight_full: 429,
  too_many_queues: 429,
  too_many_partitions: 429,
  too_many_consumers: 429,
  too_many_producers: 429,
  version_mismatch: 412,
  not_a_number: 409,
  number_out_of_range: 409,
  value_too_large: 413,
  answer_too_large: 413,
  too_many_operations: 429,
  memory_full: 507,
}

test('codes are stable: each of these is acted on by clients', () => {
  const statuses = Object.fromEntries(errorCodes.map((code) => [code, errorRegistry[code].status]))
  deepEqual(statuses, known)
})

test('whatever is answered with 429 or 503 may be retried, and says when', () => {
  for (const code of errorCodes) {
    const { status, retryable, details } = errorRegistry[code]
    if (status === 429 || status === 503) ok(retryable && 'retry_after_ms' in details, code)
    if (status < 500 && status !== 429 && status !== 408) equal(retryable, code === 'wait_die', code)
  }
})

test('no summary is missing, and no detail hides the three fields that every error has', () => {
  ok(errorCodes.length > 30)
  for (const code of errorCodes) {
    match(code, /^[a-z]+(?:_[a-z]+)*$/)
    match(errorRegistry[code].summary, /^[A-Z].{10,}\.$/)
    for (const field of ['code', 'message', 'retryable']) ok(!(field in errorRegistry[code].details), code)
  }
})

/** Refusals of the lock machine that a client is told of under the same code; the others are between nodes. */
const told: Readonly<Record<RefusalCode, boolean>> = {
  malformed: false,
  invalid: false,
  session_exists: false,
  already_answered: false,
  stale_term: false,
  session_lost: true,
  wrong_client: true,
  unknown_resource: true,
  not_holder: true,
  conflicting_request: true,
  superseded: true,
  hold_ended: true,
  withdrawn: true,
  newer: false,
  carried_by_session: true,
  queue_full: true,
  too_many_resources: true,
  too_many_holders: true,
  too_many_locks: true,
  too_many_waits: true,
  too_many_sessions: true,
  wait_die: true,
  wounded: true,
}

test('what the lock machine refuses has a public code', () => {
  for (const [code, isTold] of Object.entries(told)) equal(code in lockErrors, isTold, code)
})

test('an error goes out as its code, message and flag, with its details beside them', () => {
  const fault = faultOf('invalid_request', 'ttl_ms: too long', { field: 'ttl_ms' })
  deepEqual(errorBodyOf(fault, { repeatable: true }), {
    error: { code: 'invalid_request', message: 'ttl_ms: too long', retryable: false, field: 'ttl_ms' },
  })
  equal(retryAfterSeconds(fault), null)
  equal(retryAfterSeconds(noLeader(1_500)), 2)
  equal(retryAfterSeconds(faultOf('lock_timeout', 'x', { holders: [], retry_after_ms: null })), null)
})

test('an unknown outcome may be tried again unless that does harm', () => {
  equal(isRetryable('unknown', true), true)
  equal(isRetryable('unknown', false), false)
  equal(isRetryable('no_leader', false), true, 'nothing was carried out')
  ok(serviceErrors.includes('unknown'))
})

test('an ApiError carries its fault, its code and its cause', () => {
  const cause = new Error('why')
  const error = new ApiError(noLeader(), { cause })
  deepEqual([error.code, error.name, error.cause, error.fault.code], ['no_leader', 'ApiError', cause, 'no_leader'])
  ok(error instanceof Error)
})
