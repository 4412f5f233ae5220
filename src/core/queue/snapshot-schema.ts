import type { Millis, WallMillis } from '#base/brand.ts'
import type { ByteReader } from '#base/codec/byte-reader.ts'
import type { ByteWriter } from '#base/codec/byte-writer.ts'
import type { Schema } from '#base/codec/schema.ts'
import { bytes, list, malformed, nullable, struct, text, time, uint, union, word } from '#base/codec/schema.ts'
import { definition } from './command-codec.ts'
import type { BatchRow } from './ledger-segment.ts'
import { queueLimits } from './limits.ts'
import { id } from './message-codec.ts'
import { checks, indexes, offsets } from './message-id.ts'
import type { MessageId, ProducerId, QueueDefinition, Redrive } from './types.ts'
import type { RecordState } from './records.ts'
import { dead, leased, moving, ready, scheduled } from './records.ts'
import type { Place } from './state.ts'

/**
 * Each record belongs to the queue, the partition and the batch that came last before it. Queues are in the order of their generations, partitions
 * in that of their numbers, batches and messages in that of the log; dedupe ids and producers in the order in which they will be forgotten.
 */
export const snapshotKind = { magic: [0x4c, 0x53, 0x51, 0x55], format: 1, of: 'queues' } as const

export interface MessageRecord {
  readonly offset: number
  readonly state: RecordState
  readonly flags: number
  readonly priority: number
  readonly deadline: number
  /** Null without a ttl. */
  readonly expires: number | null
  readonly lease: number
  readonly failed: number
  readonly key: string | null
  readonly consumer: string | null
}

export type SnapshotRecord =
  | {
      readonly type: 'machine'
      readonly clusterId: string
      readonly slot: number
      readonly deletedAt: number
      readonly time: Millis
      readonly wall: WallMillis
    }
  | { readonly type: 'queue'; readonly definition: QueueDefinition }
  | { readonly type: 'partition'; readonly partition: number }
  | {
      readonly type: 'redrive'
      readonly from: Redrive['from']
      readonly rate: number | null
      readonly startedAt: Millis
      readonly max: number
      readonly moved: number
      readonly next: Place
    }
  | { readonly type: 'dedupe'; readonly id: string; readonly message: MessageId; readonly expires: number }
  | {
      readonly type: 'producer'
      readonly id: ProducerId
      readonly last: number
      readonly usedAt: Millis
      readonly answers: readonly Uint8Array[]
    }
  | { readonly type: 'batch'; readonly row: BatchRow }
  | { readonly type: 'message'; readonly message: MessageRecord }
  | { readonly type: 'end'; readonly records: number }

const { nameBytesMax, answersKept, batchMax } = queueLimits
const offsetMax = offsets - 1
const name = text(nameBytesMax)
const number = time<number>()
/** One offset may come after the last. */
const place = struct<Place>({ index: uint(indexes - 1), offset: uint(offsets) })

/** The most there is of: written by hand. */
const row: Schema<BatchRow> = {
  write(writer: ByteWriter, { index, start, size, check, wall, largest, unsettled, from, count }) {
    writer.uint(index)
    writer.uint(start)
    writer.uint(size)
    writer.uint(check)
    number.write(writer, wall)
    writer.uint(largest)
    writer.uint(unsettled)
    writer.uint(count)
    if (count > 0) writer.uint(from)
  },
  read(reader: ByteReader) {
    const index = reader.uint(indexes - 1)
    const start = reader.uint(offsetMax)
    const size = reader.uint(batchMax)
    const check = reader.uint(checks - 1)
    const wall = number.read(reader)
    if (!Number.isInteger(wall)) malformed('a clock with fractions')
    const largest = reader.uint(0xffff)
    const unsettled = reader.uint(size)
    const count = reader.uint(unsettled)
    const from = count > 0 ? reader.uint(start + size - count) : start
    if (from < start) malformed('a message before its batch')
    return { index, start, size, check, wall, largest, unsettled, count, from }
  },
}

const states = word<'scheduled' | 'ready' | 'leased' | 'dead' | 'moving'>({ scheduled, ready, leased, dead, moving })
const stateNumbers = { scheduled, ready, leased, dead, moving } as const
const stateNames = ['scheduled', 'ready', 'leased', 'dead', 'moving'] as const
const expires = nullable(number)
const optionalName = nullable(name)

const message: Schema<MessageRecord> = {
  write(writer, value) {
    writer.uint(value.offset)
    states.write(writer, stateNames[value.state])
    writer.byte(value.flags)
    writer.byte(value.priority)
    number.write(writer, value.deadline)
    expires.write(writer, value.expires)
    writer.uint(value.lease)
    writer.uint(value.failed)
    optionalName.write(writer, value.key)
    optionalName.write(writer, value.consumer)
  },
  read: (reader) => ({
    offset: reader.uint(offsetMax),
    state: stateNumbers[states.read(reader)],
    flags: reader.uint(15),
    priority: reader.uint(queueLimits.priorityMax),
    deadline: number.read(reader),
    expires: expires.read(reader),
    lease: reader.uint(0xffff_ffff),
    failed: reader.uint(0xffff),
    key: optionalName.read(reader),
    consumer: optionalName.read(reader),
  }),
}

export const snapshotRecord = union<SnapshotRecord>({
  machine: [0, { clusterId: text(nameBytesMax), slot: uint(0xffff), deletedAt: uint(), time: time(), wall: time() }],
  queue: [1, { definition }],
  partition: [2, { partition: uint() }],
  redrive: [3, { from: word({ dead: 0, ready: 1 }), rate: nullable(uint()), startedAt: time(), max: uint(), moved: uint(), next: place }],
  dedupe: [4, { id: name, message: id, expires: time() }],
  producer: [5, { id: text<ProducerId>(nameBytesMax), last: uint(), usedAt: time(), answers: list(bytes(0x10_0000), answersKept) }],
  batch: [6, { row }],
  message: [7, { message }],
  end: [8, { records: uint() }],
})
