import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { defaultSettings, queueLimits } from '#core/queue/limits.ts'
import type { CatalogueRefusal } from '#core/queue/catalogue-types.ts'
import type { ItemResult, ProduceResult, RefusalCode } from '#core/queue/types.ts'
import { queueErrors } from './errors.ts'
import * as faults from './faults.ts'
import { queueApiLimits as limits, queueDefaults as defaults, settingDefaults as settings } from './limits.ts'
import { receiptOf, receiptPattern, refOfReceipt } from './receipt.ts'
import { faultOfCancel, faultOfNack, faultOfProduce, faultOfWhich } from './rules.ts'
import type { JsonBytes } from '#api/schemas.ts'

const bytes = (length: number): JsonBytes => new Uint8Array(length) as JsonBytes
const fieldOf = (fault: ReturnType<typeof faultOfProduce>): unknown =>
  fault === null ? null : 'field' in fault.details && fault.details.field

test('the API takes what the queue machine takes, and nothing more', () => {
  equal(limits.nameBytesMax, queueLimits.nameBytesMax)
  equal(limits.messageBytesMax, queueLimits.bodyBytesMax)
  equal(limits.requestBytesMax, queueLimits.batchBytesMax)
  equal(limits.itemsMax, queueLimits.batchMax)
  equal(limits.headersMax, queueLimits.headersMax)
  equal(limits.headerValueBytesMax, queueLimits.headerValueBytesMax)
  equal(limits.priorityMax, queueLimits.priorityMax)
  equal(limits.partitionsMax, queueLimits.partitionsPerQueueMax)
  equal(limits.durationMsMax, queueLimits.durationMsMax)
  equal(limits.visibilityMsMax, queueLimits.visibilityMsMax)
  equal(limits.maxFailuresMax, queueLimits.maxFailuresMax)
  equal(limits.maxLengthMax, queueLimits.maxLengthMax)
  equal(limits.redriveRateMax, queueLimits.redriveRateMax)
  ok(limits.messagesPageMax <= queueLimits.listedMax)
})

test('a queue that nobody set has the settings that the reference says', () => {
  const { retry, ...rest } = defaultSettings
  deepEqual(settings, {
    visibility_ms: rest.visibilityMs,
    max_failures: rest.maxFailures,
    expiry_fails: rest.expiryFails,
    retry: { growth: retry.growth, delay_ms: retry.delayMs, max_ms: retry.maxMs, jitter_percent: retry.jitterPercent },
    dead_letter_queue: rest.deadLetterQueue,
    max_length: rest.maxLength,
    overflow: rest.overflow,
    ttl_ms: rest.ttlMs,
    dedupe_window_ms: rest.dedupeWindowMs,
    paused: rest.paused,
  })
})

type Refused = Extract<ProduceResult, { readonly type: 'refused' }>['code']

/** What the machines refuse, and whether a client is told of it under the same code; the others are between nodes, or have other words. */
const told: Readonly<Record<RefusalCode | CatalogueRefusal | ItemResult | Refused, boolean>> = {
  malformed: false,
  invalid: false,
  stale_catalogue: false,
  // Sent again by the service.
  entry_full: false,
  // An answer without messages says so.
  queue_paused: false,
  // `queue_deleting`
  stale_generation: false,
  being_deleted: false,
  not_moving: false,
  acknowledged: false,
  returned: false,
  dead: false,
  extended: false,
  cancelled: false,
  forwarded: false,
  postponed: false,
  unknown_queue: true,
  in_flight_full: true,
  out_of_sequence: true,
  already_answered: true,
  unknown_producer: true,
  too_many_producers: true,
  too_many_queues: true,
  too_many_partitions: true,
  too_many_consumers: true,
  redrive_active: true,
  no_redrive: true,
  partitions_fixed: true,
  dead_letter_cycle: true,
  stale_revision: true,
  unknown_message: true,
  stale_receipt: true,
  not_delivered: true,
  not_scheduled: true,
  queue_full: true,
  dedupe_full: true,
  slot_full: true,
}

test('what the queue machines refuse has a public code', () => {
  for (const [code, isTold] of Object.entries(told)) equal(code in queueErrors, isTold, code)
})

test('the defaults are within the limits', () => {
  ok(defaults.partitions >= 1 && defaults.partitions <= limits.partitionsMax)
  ok(settings.visibility_ms <= limits.visibilityMsMax && settings.max_failures <= limits.maxFailuresMax)
  ok(settings.retry.delay_ms <= settings.retry.max_ms && settings.retry.max_ms <= limits.durationMsMax)
  ok(settings.dedupe_window_ms <= limits.durationMsMax && defaults.priority <= limits.priorityMax)
  ok(defaults.page <= limits.pageMax && defaults.messages_page <= limits.messagesPageMax && defaults.credit <= limits.creditMax)
  ok(limits.messageBytesMax < limits.requestBytesMax, 'the largest message fits into a request')
})

const uuid = fc.uuid({ version: 8 })
const lease = fc.integer({ min: 1, max: 2 ** 49 })

test('a receipt is taken apart into what it was made of', () => {
  fc.assert(
    fc.property(uuid, lease, (id, number) => {
      const receipt = receiptOf(id, number)
      match(receipt, new RegExp(receiptPattern, 'u'))
      deepEqual(refOfReceipt(receipt), { message_id: id, lease: number })
    }),
  )
  for (const text of ['', 'x', receiptOf('x', 1), `${'0'.repeat(36)}.1`, receiptOf('00070000-0000-802a-8000-1f2e3d4c5b6a', 0)]) {
    ok(!new RegExp(receiptPattern, 'u').test(text), text)
  }
})

test('a produce has one message with its fields, or a list of them', () => {
  const queue = 'q'
  const message = bytes(1)
  equal(faultOfProduce({ queue, message, key: 'k', priority: 9 }), null)
  equal(faultOfProduce({ queue, messages: [{ message, key: 'k' }, { message }] }), null)
  equal(fieldOf(faultOfProduce({ queue })), 'message')
  equal(fieldOf(faultOfProduce({ queue, message, messages: [{ message }] })), 'message')
  equal(fieldOf(faultOfProduce({ queue, messages: [{ message }], delay_ms: 5 })), 'delay_ms')
  equal(fieldOf(faultOfProduce({ queue, messages: [{ message }], message_id: 'm' })), 'message_id')
})

test('a message may have a delay or an instant, which must be one', () => {
  const queue = 'q'
  const message = bytes(1)
  equal(faultOfProduce({ queue, message, deliver_at: '2026-01-31T12:00:00Z' }), null)
  equal(fieldOf(faultOfProduce({ queue, message, deliver_at: '2026-01-31T12:00:00Z', delay_ms: 0 })), 'deliver_at')
  equal(
    fieldOf(faultOfProduce({ queue, messages: [{ message }, { message, deliver_at: '2026-02-31T25:00:00Z' }] })),
    'messages[1].deliver_at',
  )
})

test('a name of its own for a message is one of its headers', () => {
  const queue = 'q'
  const message = bytes(1)
  const named = (count: number): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, at) => [`h${at}`, 'v']))
  equal(faultOfProduce({ queue, message, message_id: 'm', headers: named(limits.headersMax - 1) }), null)
  equal(faultOfProduce({ queue, message, headers: named(limits.headersMax) }), null)
  equal(fieldOf(faultOfProduce({ queue, message, message_id: 'm', headers: named(limits.headersMax) })), 'headers')
  equal(fieldOf(faultOfProduce({ queue, message, message_id: 'm', headers: { message_id: 'n' } })), 'headers')
})

test('a message of exactly the maximum is taken, and one byte more is told by name', () => {
  const { messageBytesMax: max } = limits
  equal(faultOfProduce({ queue: 'q', message: bytes(max) }), null)
  equal(faultOfProduce({ queue: 'q', messages: [{ message: bytes(max) }] }), null)
  const fault = faultOfProduce({ queue: 'q', messages: [{ message: bytes(0) }, { message: bytes(max + 1) }] })
  deepEqual([fault?.code, fault?.details], ['message_too_large', { field: 'messages[1].message', bytes: max + 1, bytes_max: max }])
})

const id = '00070000-0000-802a-8000-1f2e3d4c5b6a'
const other = '00070000-0000-802a-8000-1f2e3d4c5b6b'

test('messages are named in one way, or by an id and its own receipt', () => {
  for (const request of [
    { message_id: id },
    { receipt: receiptOf(id, 1) },
    { message_ids: [id] },
    { receipts: [receiptOf(id, 1)] },
    { message_id: id.toUpperCase(), receipt: receiptOf(id, 1) },
  ])
    equal(faultOfWhich(request), null)
  equal(fieldOf(faultOfWhich({})), 'message_id')
  equal(fieldOf(faultOfWhich({ message_id: other, receipt: receiptOf(id, 1) })), 'receipt')
  equal(fieldOf(faultOfWhich({ message_id: id, message_ids: [id] })), 'message_ids')
  equal(fieldOf(faultOfWhich({ receipt: receiptOf(id, 1), receipts: [receiptOf(id, 1)] })), 'receipts')
  equal(fieldOf(faultOfWhich({ message_id: id, receipt: receiptOf(id, 1), receipts: [receiptOf(id, 1)] })), 'receipt')
  equal(faultOfCancel({ message_id: id }), null)
  equal(faultOfCancel({ message_ids: [id] }), null)
  equal(fieldOf(faultOfCancel({})), 'message_id')
  equal(fieldOf(faultOfCancel({ message_id: id, message_ids: [id] })), 'message_ids')
})

test('what is rejected has no delay', () => {
  equal(faultOfNack({ message_id: id, kind: 'fail', delay_ms: 5 }), null)
  equal(faultOfNack({ message_id: id, kind: 'reject' }), null)
  equal(fieldOf(faultOfNack({ message_id: id, kind: 'reject', delay_ms: 5 })), 'delay_ms')
  equal(fieldOf(faultOfNack({ kind: 'release' })), 'message_id')
})

test('messages of errors stay short, however long the names', () => {
  const long = 'n'.repeat(256)
  for (const { message } of [
    faults.unknownQueue(long),
    faults.queueDeleting(long),
    faults.partitionsFixed(long, 4),
    faults.staleRevision(long, { expected: 5, revision: 0 }),
    faults.staleRevision(long, { expected: 4, revision: 5 }),
    faults.staleRevision(long, { expected: 0, revision: 5 }),
    faults.deadLetterCycle(long, long),
    faults.unknownMessage(long),
    faults.outOfSequence({ producer: long, sequence: 3 }, 2),
    faults.wrongPartition(long, 3),
  ])
    ok(message.length < 400, message)
})
