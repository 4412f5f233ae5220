import { wallMillis } from '#base/brand.ts'
import { defaultSettings } from './limits.ts'
import type { Message, MessageId, QueueAnswer, QueueCommand, QueueDefinition, QueueSettings } from './types.ts'
import { consumerId, generation, producerId, queueName } from './types.ts'

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

export const message = (body: string, fields: Partial<Message> = {}): Message => ({
  key: null,
  priority: 0,
  delay: { type: 'none' },
  ttlMs: null,
  dedupeId: null,
  headers: [],
  source: null,
  body: text(body),
  ...fields,
})

export const definitionOf = (name: string, number: number, settings: Partial<QueueSettings> = {}, revision = 1): QueueDefinition => ({
  name: queueName(name),
  generation: generation(number),
  partitions: 4,
  settings: { ...defaultSettings, ...settings },
  revision,
})

const queue = { generation: generation(3), partition: 1 }
const sampleId: MessageId = { slot: 7, index: 281_474_976_710_655, offset: 999, check: 70_368_744_177_663 }
const receipts = [
  { id: sampleId, lease: 2 },
  { id: { ...sampleId, index: 1 }, lease: null },
]
const ids = [sampleId]
const full = message('{"a": 1}', {
  key: 'k',
  priority: 9,
  delay: { type: 'after', ms: 5 },
  ttlMs: 10,
  dedupeId: 'd',
  headers: [{ name: 'trace', value: 'ü' }],
  source: { queue: queueName('from'), id: sampleId, reason: 'rejected', delivered: 3, failed: 2 },
})

/** One of each kind. */
export const sampleCommands: readonly QueueCommand[] = [
  {
    type: 'configure',
    queue: definitionOf('orders/ü%', 3, { deadLetterQueue: queueName('dead'), maxLength: 5, overflow: 'drop-head', ttlMs: 9 }),
    catalogueVersion: 8,
  },
  { type: 'delete-queue', generation: generation(3), catalogueVersion: 9 },
  { type: 'produce', queue, producer: null, messages: [message(''), message('x'), full] },
  {
    type: 'produce',
    queue,
    producer: { id: producerId('p'), sequence: 4 },
    messages: [message('y', { delay: { type: 'at', instant: wallMillis(1.5) } })],
  },
  { type: 'consume', queue, consumer: consumerId('c'), max: 10, bytesMax: 1_000, visibilityMs: null },
  { type: 'consume', queue, consumer: consumerId('c'), max: 1, bytesMax: 1, visibilityMs: 5 },
  { type: 'ack', receipts },
  { type: 'nack', receipts, kind: { type: 'release', delayMs: 0 } },
  { type: 'nack', receipts, kind: { type: 'fail', delayMs: null } },
  { type: 'nack', receipts, kind: { type: 'fail', delayMs: 7 } },
  { type: 'nack', receipts, kind: { type: 'reject' } },
  { type: 'extend', receipts, visibilityMs: 9 },
  { type: 'cancel', ids },
  { type: 'release-consumer', consumer: consumerId('c') },
  { type: 'purge', queue, dead: true },
  { type: 'redrive', queue, from: 'dead', rate: 5, max: null },
  { type: 'redrive', queue, from: 'ready', rate: null, max: 3 },
  { type: 'cancel-redrive', queue },
  { type: 'forwarded', ids },
  { type: 'postpone', ids, delayMs: 1_000 },
  { type: 'return', ids },
  { type: 'expire-due' },
]

export const sampleAnswers: readonly QueueAnswer[] = [
  { type: 'configured', generation: generation(3), revision: 1 },
  { type: 'deleted', generation: generation(3) },
  {
    type: 'produced',
    first: sampleId,
    results: [
      { type: 'enqueued' },
      { type: 'enqueued' },
      { type: 'duplicate', id: sampleId },
      { type: 'refused', code: 'queue_full' },
      { type: 'enqueued' },
    ],
  },
  { type: 'delivered', messages: [{ id: sampleId, lease: 1, failed: 0, enqueuedAt: wallMillis(5) }], visibleUntil: wallMillis(9.5) },
  { type: 'results', results: ['acknowledged', 'acknowledged', 'unknown_message'], visibleUntil: null },
  { type: 'released', count: 2, more: false },
  { type: 'purged', count: 3 },
  { type: 'redrive', moved: 4, max: 7, active: true },
  { type: 'expired', count: 1_000, more: true },
  { type: 'refused', code: 'out_of_sequence', detail: '7' },
]
