import { readAll } from '#base/codec/byte-reader.ts'
import type { WallMillis } from '#base/brand.ts'
import { ByteWriter } from '#base/codec/byte-writer.ts'
import type { Schema } from '#base/codec/schema.ts'
import { boolean, encodeWith, list, nullable, struct, text, time, uint, union, word } from '#base/codec/schema.ts'
import type { Result } from '#base/result.ts'
import { queueLimits } from './limits.ts'
import { id, messages } from './message-codec.ts'
import { itemResults, produceResults } from './result-codec.ts'
import type {
  ConsumerId,
  Delivery,
  Generation,
  NackKind,
  PartitionRef,
  ProducerId,
  ProducerRef,
  QueueAnswer,
  QueueCommand,
  QueueDefinition,
  QueueName,
  QueueSettings,
  Receipt,
  RefusalCode,
  RetryPolicy,
} from './types.ts'

/**
 * Commands and answers as bytes: a fixed order of fields and no names. Fields and numbers that are in a log never change their meaning; a
 * new command gets a number that was never used.
 */

const { batchMax, nameBytesMax } = queueLimits

const name = <T extends string>(): Schema<T> => text<T>(nameBytesMax)
const retry = struct<RetryPolicy>({
  growth: word({ fixed: 0, exponential: 1 }),
  delayMs: uint(),
  maxMs: uint(),
  jitterPercent: uint(),
})

export const settings = struct<QueueSettings>({
  visibilityMs: uint(),
  maxFailures: uint(),
  expiryFails: boolean,
  retry,
  deadLetterQueue: nullable(name<QueueName>()),
  maxLength: nullable(uint()),
  overflow: word({ reject: 0, 'drop-head': 1 }),
  ttlMs: nullable(uint()),
  dedupeWindowMs: uint(),
  paused: boolean,
})

export const definition = struct<QueueDefinition>({
  name: name<QueueName>(),
  generation: uint<Generation>(),
  partitions: uint(),
  settings,
  revision: uint(),
})

const queue = struct<PartitionRef>({ generation: uint<Generation>(), partition: uint() })
const producer = struct<ProducerRef>({ id: name<ProducerId>(), sequence: uint() })
const ids = list(id, batchMax)
const receipt: Schema<Receipt> = {
  /** No lease has the number 0. */
  write(writer, value) {
    id.write(writer, value.id)
    writer.uint(value.lease ?? 0)
  },
  read(reader) {
    const message = id.read(reader)
    const lease = reader.uint(Number.MAX_SAFE_INTEGER)
    return { id: message, lease: lease === 0 ? null : lease }
  },
}
const receipts = list(receipt, batchMax)
const nackKind = union<NackKind>({ release: [0, { delayMs: uint() }], fail: [1, { delayMs: nullable(uint()) }], reject: [2, {}] })

const command = union<QueueCommand>({
  configure: [1, { queue: definition, catalogueVersion: uint() }],
  'delete-queue': [2, { generation: uint<Generation>(), catalogueVersion: uint() }],
  produce: [3, { queue, producer: nullable(producer), messages }],
  consume: [4, { queue, consumer: name<ConsumerId>(), max: uint(), bytesMax: uint(), visibilityMs: nullable(uint()) }],
  ack: [5, { receipts }],
  nack: [6, { receipts, kind: nackKind }],
  extend: [7, { receipts, visibilityMs: uint() }],
  cancel: [8, { ids }],
  'release-consumer': [9, { consumer: name<ConsumerId>() }],
  purge: [10, { queue, dead: boolean }],
  redrive: [11, { queue, from: word({ dead: 0, ready: 1 }), rate: nullable(uint()), max: nullable(uint()) }],
  'cancel-redrive': [12, { queue }],
  forwarded: [13, { ids }],
  postpone: [14, { ids, delayMs: uint() }],
  'expire-due': [15, {}],
  return: [16, { ids }],
})

const code = word<RefusalCode>({
  malformed: 0,
  invalid: 1,
  unknown_queue: 2,
  stale_catalogue: 3,
  queue_paused: 4,
  in_flight_full: 5,
  out_of_sequence: 6,
  already_answered: 7,
  unknown_producer: 8,
  too_many_producers: 9,
  too_many_queues: 10,
  too_many_partitions: 11,
  too_many_consumers: 12,
  redrive_active: 13,
  no_redrive: 14,
})

const enqueuedAt = time<WallMillis>()
const delivery: Schema<Delivery> = {
  write(writer, value) {
    id.write(writer, value.id)
    writer.uint(value.lease)
    writer.uint(value.failed)
    enqueuedAt.write(writer, value.enqueuedAt)
  },
  read: (reader) => ({
    id: id.read(reader),
    lease: reader.uint(Number.MAX_SAFE_INTEGER),
    failed: reader.uint(Number.MAX_SAFE_INTEGER),
    enqueuedAt: enqueuedAt.read(reader),
  }),
}

const answer = union<QueueAnswer>({
  configured: [1, { generation: uint<Generation>(), revision: uint() }],
  deleted: [2, { generation: uint<Generation>() }],
  produced: [3, { first: id, results: produceResults }],
  delivered: [4, { messages: list(delivery, batchMax), visibleUntil: time() }],
  results: [5, { results: itemResults, visibleUntil: nullable(time()) }],
  released: [6, { count: uint(), more: boolean }],
  purged: [7, { count: uint() }],
  redrive: [8, { moved: uint(), max: uint(), active: boolean }],
  expired: [9, { count: uint(), more: boolean }],
  refused: [10, { code, detail: text(nameBytesMax) }],
})

/** Slabs for many commands of usual size. */
const writer = new ByteWriter(64 * 1024)

export const encodeCommand = (value: QueueCommand): Uint8Array => encodeWith(writer, command, value)

/** The command, or what is wrong with the bytes. Bodies are views of them. */
export const decodeCommand = (bytes: Uint8Array): Result<QueueCommand, string> => readAll(bytes, (reader) => command.read(reader))

export const encodeAnswer = (value: QueueAnswer): Uint8Array => encodeWith(writer, answer, value)

export const decodeAnswer = (bytes: Uint8Array): Result<QueueAnswer, string> => readAll(bytes, (reader) => answer.read(reader))
