import type { ByteReader } from '#base/codec/byte-reader.ts'
import type { ByteWriter } from '#base/codec/byte-writer.ts'
import type { Schema } from '#base/codec/schema.ts'
import { list, malformed, struct, text, time, uint, word } from '#base/codec/schema.ts'
import type { WallMillis } from '#base/brand.ts'
import { queueLimits } from './limits.ts'
import { checks, indexes, offsets, slots } from './message-id.ts'
import type { Delay, Header, Message, MessageId, QueueName, Source } from './types.ts'

/**
 * A message in a log entry: one byte says which of its fields are there, so one that has nothing but a body costs two or three bytes more than that.
 * Written by hand, because most of what a queue does is reading these.
 */

const { nameBytesMax, bodyBytesMax, batchMax, headersMax, headerValueBytesMax, priorityMax } = queueLimits

export const id: Schema<MessageId> = {
  write(writer, { slot, index, offset, check }) {
    writer.uint(slot)
    writer.uint(index)
    writer.uint(offset)
    writer.uint(check)
  },
  read: (reader) => ({
    slot: reader.uint(slots - 1),
    index: reader.uint(indexes - 1),
    offset: reader.uint(offsets - 1),
    check: reader.uint(checks - 1),
  }),
}
const headers = list(struct<Header>({ name: text(nameBytesMax), value: text(headerValueBytesMax) }), headersMax)
const instant = time<WallMillis>()
const source = struct<Source>({
  queue: text<QueueName>(nameBytesMax),
  id,
  reason: word({ failures: 0, rejected: 1 }),
  delivered: uint(),
  failed: uint(),
})

/** Bits of the first byte. */
const hasKey = 1
const hasPriority = 2
const isDelayed = 4
const isScheduled = 8
const hasTtl = 16
const hasDedupeId = 32
const hasHeaders = 64
const hasSource = 128

const has = (bits: number, bit: number): boolean => (bits & bit) !== 0

const noDelay: Delay = { type: 'none' }
const noHeaders: readonly Header[] = []

const delayBit = { none: 0, after: isDelayed, at: isScheduled } as const

function bitsOf({ key, priority, delay, ttlMs, dedupeId, headers: named, source: from }: Message): number {
  return (
    (key === null ? 0 : hasKey) |
    (priority === 0 ? 0 : hasPriority) |
    delayBit[delay.type] |
    (ttlMs === null ? 0 : hasTtl) |
    (dedupeId === null ? 0 : hasDedupeId) |
    (named.length === 0 ? 0 : hasHeaders) |
    (from === null ? 0 : hasSource)
  )
}

function writeMessage(writer: ByteWriter, message: Message): void {
  const { key, priority, delay, ttlMs, dedupeId } = message
  writer.byte(bitsOf(message))
  if (key !== null) writer.text(key)
  if (priority !== 0) writer.byte(priority)
  if (delay.type === 'after') writer.uint(delay.ms)
  if (delay.type === 'at') instant.write(writer, delay.instant)
  if (ttlMs !== null) writer.uint(ttlMs)
  if (dedupeId !== null) writer.text(dedupeId)
  if (message.headers.length > 0) headers.write(writer, message.headers)
  if (message.source !== null) source.write(writer, message.source)
  writer.bytes(message.body)
}

function readMessage(reader: ByteReader): Message {
  const bits = reader.byte()
  if (bits === 0) return plain(reader.bytes(bodyBytesMax))
  return {
    key: has(bits, hasKey) ? reader.text(nameBytesMax) : null,
    priority: has(bits, hasPriority) ? readPriority(reader) : 0,
    delay: readDelay(reader, bits),
    ttlMs: has(bits, hasTtl) ? reader.uint(Number.MAX_SAFE_INTEGER) : null,
    dedupeId: has(bits, hasDedupeId) ? reader.text(nameBytesMax) : null,
    headers: has(bits, hasHeaders) ? headers.read(reader) : noHeaders,
    source: has(bits, hasSource) ? source.read(reader) : null,
    body: reader.bytes(bodyBytesMax),
  }
}

const plain = (body: Uint8Array): Message => ({
  key: null,
  priority: 0,
  delay: noDelay,
  ttlMs: null,
  dedupeId: null,
  headers: noHeaders,
  source: null,
  body,
})

function readPriority(reader: ByteReader): number {
  const priority = reader.byte()
  return priority >= 1 && priority <= priorityMax ? priority : malformed('priority out of range')
}

function readDelay(reader: ByteReader, bits: number): Delay {
  if (has(bits, isDelayed) && has(bits, isScheduled)) malformed('two delays')
  if (has(bits, isDelayed)) return { type: 'after', ms: reader.uint(Number.MAX_SAFE_INTEGER) }
  return has(bits, isScheduled) ? { type: 'at', instant: instant.read(reader) } : noDelay
}

export const message: Schema<Message> = { write: writeMessage, read: readMessage }
export const messages: Schema<readonly Message[]> = list(message, batchMax)
