import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { queueLimits } from '#core/queue/limits.ts'
import { readMessages } from './client-codec.ts'
import { queueClients } from './queue-client-codec.ts'
import type { QueueClientMessage, QueueServerMessage, SentMessage, SettingsChange } from './queue-client-message.ts'
import type { Schema } from './schema.ts'
import { Writer } from './writer.ts'

const id = '00070000-0000-802a-8000-1f2e3d4c5b6a'
const body = Uint8Array.of(0x31)
const bare: SentMessage = { key: null, priority: 0, delayMs: 0, deliverAt: null, ttlMs: null, dedupeId: null, headers: [], body }
const full: SentMessage = {
  key: 'k',
  priority: 9,
  delayMs: 1,
  deliverAt: 2,
  ttlMs: 3,
  dedupeId: 'd',
  headers: [{ name: 'n', value: '' }],
  body,
}
const unchanged: SettingsChange = {
  visibilityMs: null,
  maxFailures: null,
  expiryFails: null,
  growth: null,
  delayMs: null,
  maxMs: null,
  jitterPercent: null,
  deadLetterQueue: null,
  maxLength: null,
  overflow: null,
  ttlMs: null,
  dedupeWindowMs: null,
  paused: null,
}
const changed: SettingsChange = {
  visibilityMs: 1,
  maxFailures: 0,
  expiryFails: false,
  growth: 'fixed',
  delayMs: 0,
  maxMs: 0,
  jitterPercent: 100,
  deadLetterQueue: [],
  maxLength: [5],
  overflow: 'drop-head',
  ttlMs: [1],
  dedupeWindowMs: 0,
  paused: true,
}

const fromClients: { readonly [Type in QueueClientMessage['type']]: readonly Extract<QueueClientMessage, { type: Type }>[] } = {
  locate: [{ type: 'locate', call: 1, queue: 'q', create: true, fresh: false }],
  produce: [{ type: 'produce', call: 2, queue: 'q', producer: { id: 'p', partition: 3, sequence: 4 }, messages: [bare, full] }],
  consume: [{ type: 'consume', call: 3, queue: 'q', consumer: 'c', max: 1_000, waitMs: 60_000, visibilityMs: 1 }],
  leave: [{ type: 'leave', call: 3 }],
  ack: [{ type: 'ack', call: 4, receipts: [`${id}.1`, `${id}.20`] }],
  nack: [
    { type: 'nack', call: 5, receipts: [`${id}.1`], kind: 'release', delayMs: 0 },
    { type: 'nack', call: 5, receipts: [`${id}.1`], kind: 'reject', delayMs: null },
  ],
  extend: [{ type: 'extend', call: 6, receipts: [`${id}.1`], visibilityMs: 1 }],
  manage: [
    { type: 'manage', call: 7, order: { type: 'put', queue: 'q', partitions: null, ifRevision: null, change: unchanged } },
    { type: 'manage', call: 7, order: { type: 'put', queue: 'q', partitions: 1_024, ifRevision: 0, change: changed } },
    { type: 'manage', call: 7, order: { type: 'delete', queue: 'q' } },
    { type: 'manage', call: 7, order: { type: 'purge', queue: 'q', dead: true } },
    { type: 'manage', call: 7, order: { type: 'redrive', queue: 'q', from: 'ready', rate: 1, max: null } },
    { type: 'manage', call: 7, order: { type: 'cancel-redrive', queue: 'q' } },
  ],
  look: [
    { type: 'look', call: 8, question: { type: 'queue', queue: 'q' } },
    { type: 'look', call: 8, question: { type: 'queues', prefix: '', after: null, limit: 1_000 } },
    { type: 'look', call: 8, question: { type: 'messages', queue: 'q', which: 'in-flight', after: '0.1.2', limit: 100 } },
  ],
}

const told = { id, deliveries: 2, failures: 1, enqueuedAt: '2026-01-31T12:00:00.000Z', priority: 0, key: null, headers: [], body }
const fromNodes: { readonly [Type in QueueServerMessage['type']]: readonly Extract<QueueServerMessage, { type: Type }>[] } = {
  located: [{ type: 'located', call: 1, partitions: 1, slots: 32, visibilityMs: 30_000 }],
  produced: [
    {
      type: 'produced',
      call: 2,
      results: [
        { type: 'enqueued', id, duplicate: true },
        { type: 'refused', code: 'queue_full', message: 'full' },
      ],
    },
  ],
  delivered: [
    {
      type: 'delivered',
      call: 3,
      paused: false,
      messages: [
        { ...told, deadLetter: null },
        { ...told, body: new Uint8Array(200_000), deadLetter: { queue: 'q', id, reason: 'failures', deliveries: 3, failures: 3 } },
      ],
    },
  ],
  settled: [
    {
      type: 'settled',
      call: 4,
      results: [
        { type: 'done', status: 'returned' },
        { type: 'refused', code: 'stale_receipt', message: 'late' },
      ],
    },
  ],
  view: [{ type: 'view', call: 5, view: body }],
  messages: [
    { type: 'messages', call: 6, messages: [{ ...told, partition: 1, consumer: 'c', until: null, unreadable: false }], next: '0.1' },
  ],
  failed: [{ type: 'failed', call: 7, code: 'no_leader', message: 'nobody leads', retryAfterMs: 1_000 }],
  leaders: [{ type: 'leaders', leaders: [{ slot: 1, node: null }], members: [{ node: 'n', address: 'x:1' }] }],
  going: [{ type: 'going' }],
}

function encode<T>(schema: Schema<T>, messages: readonly T[]): Uint8Array {
  const writer = new Writer(64 * 1024)
  for (const message of messages) schema.write(writer, message)
  return writer.take()
}

const { fromClient, fromNode } = queueClients

test('every message comes back as it was sent, alone and with others in one frame', () => {
  const returns = <T>(schema: Schema<T>, messages: readonly T[]): void => {
    for (const message of messages) assert.deepEqual(readMessages(schema, encode(schema, [message])), { ok: true, value: [message] })
    assert.deepEqual(readMessages(schema, encode(schema, messages)), { ok: true, value: messages })
  }
  returns(fromClient, Object.values(fromClients).flat())
  returns(fromNode, Object.values(fromNodes).flat())
})

test('whatever the queues would not take is malformed: nothing of it reaches them', () => {
  const [produce] = fromClients.produce
  const [consume] = fromClients.consume
  const [extend] = fromClients.extend
  assert.ok(produce !== undefined && consume !== undefined && extend !== undefined)
  const long = 'x'.repeat(queueLimits.nameBytesMax + 1)
  const wrong: readonly QueueClientMessage[] = [
    { ...produce, queue: '' },
    { ...produce, queue: 'line\nbreak' },
    { ...produce, queue: long },
    { ...produce, messages: [] },
    { ...produce, messages: [{ ...bare, key: '' }] },
    { ...produce, messages: [{ ...bare, key: long }] },
    { ...produce, messages: [{ ...bare, priority: 10 }] },
    { ...produce, messages: [{ ...bare, ttlMs: 0 }] },
    { ...produce, messages: [{ ...bare, body: new Uint8Array(0) }] },
    { ...produce, messages: [{ ...bare, body: new Uint8Array(queueLimits.bodyBytesMax + 1) }] },
    { ...produce, messages: [{ ...bare, headers: [...full.headers, ...full.headers] }] },
    { ...produce, messages: Array.from({ length: 8 }, () => ({ ...bare, body: new Uint8Array(queueLimits.bodyBytesMax) })) },
    { ...produce, producer: { ...produce.producer, sequence: 0 } },
    { ...consume, max: 0 },
    { ...consume, waitMs: 60_001 },
    { ...consume, visibilityMs: 0 },
    { ...extend, receipts: [] },
    { ...extend, receipts: [id] },
  ]
  for (const message of wrong)
    assert.equal(readMessages(fromClient, encode(fromClient, [message])).ok, false, JSON.stringify(message).slice(0, 200))
})

test('bytes that are no messages are refused, and nothing is thrown', () => {
  const sample = encode(fromClient, Object.values(fromClients).flat())
  const damaged = fc
    .tuple(fc.nat(sample.length - 1), fc.integer({ min: 1, max: 255 }))
    .map(([at, by]) => sample.map((byte, position) => (position === at ? byte ^ by : byte)))
  const cut = fc.integer({ min: 1, max: sample.length - 1 }).map((length) => sample.subarray(0, length))
  let refused = 0
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged, cut), (encoded) => {
      const read = readMessages(fromClient, encoded)
      if (!read.ok) refused++
      for (const message of read.ok ? read.value : []) assert.ok(message.type in fromClients)
    }),
    { numRuns: 3_000 },
  )
  assert.ok(refused > 500, `only ${refused} were refused`)
})
