import { unreachable } from '#base/assert.ts'
import type { ByteReader } from '#base/codec/byte-reader.ts'
import { readFrame } from '#base/codec/snapshot-frame.ts'
import { malformed } from '#base/codec/schema.ts'
import type { Result } from '#base/result.ts'
import { decodeAnswer } from './command-codec.ts'
import type { BatchRow } from './ledger-segment.ts'
import type { QueueLimits } from './limits.ts'
import { none, ready } from './records.ts'
import { faultOfMessage, restoreMessage } from './restore-message.ts'
import { snapshotKind, snapshotRecord } from './snapshot-schema.ts'
import type { SnapshotRecord } from './snapshot-schema.ts'
import type { Partition, Queue, SlotIdentity } from './state.ts'
import { QueueState } from './state.ts'
import { liveIndexes } from './live-ranges.ts'
import { byteLength } from './text-size.ts'

/** The state that a snapshot holds, or why it holds none. Bytes that were damaged, or that nobody wrote, do no harm. */
export function readSnapshot(bytes: Uint8Array, identity: SlotIdentity, limits: QueueLimits): Result<QueueState, string> {
  return readFrame(snapshotKind, bytes, (reader) => new SnapshotReader(identity, limits).read(reader))
}

type RecordOf<T extends SnapshotRecord['type']> = Extract<SnapshotRecord, { readonly type: T }>

/** Puts the state together record by record; each must fit to those before it. */
class SnapshotReader {
  readonly #state: QueueState
  #queue: Queue | null = null
  #partition: Partition | null = null
  #row: BatchRow | null = null
  /** Messages of the row that are still to come, and where the next one may be. */
  #missing = 0
  #offset = 0

  constructor(identity: SlotIdentity, limits: QueueLimits) {
    this.#state = new QueueState(identity, limits)
  }

  read(reader: ByteReader): QueueState {
    for (let records = 0; ; records++) {
      const record = snapshotRecord.read(reader)
      expect((record.type === 'machine') === (records === 0), 'the first record, and no other, is of the machine')
      expect(record.type === 'message' || this.#missing === 0, 'messages of a batch are missing')
      if (record.type !== 'end') this.#add(record)
      else if (record.records === records) return this.#finish()
      else malformed('records are missing')
    }
  }

  #add(record: Exclude<SnapshotRecord, RecordOf<'end'>>): void {
    switch (record.type) {
      case 'machine':
        return this.#addMachine(record)
      case 'queue':
        return this.#addQueue(record)
      case 'partition':
        return this.#addPartition(record)
      case 'redrive':
        return this.#addRedrive(record)
      case 'dedupe':
        return this.#addDedupe(record)
      case 'producer':
        return this.#addProducer(record)
      case 'batch':
        return this.#addBatch(record)
      case 'message':
        return this.#addMessage(record)
      default:
        return unreachable(record)
    }
  }

  #finish(): QueueState {
    this.#finishPartition()
    countBatches(this.#state)
    return this.#state
  }

  #addMachine({ clusterId, slot, deletedAt, time, wall }: RecordOf<'machine'>): void {
    const { identity } = this.#state
    expect(clusterId === identity.clusterId && slot === identity.slot, 'of another slot')
    this.#state.deletedAt = deletedAt
    this.#state.time = time
    this.#state.wall = wall
  }

  #addQueue({ definition }: RecordOf<'queue'>): void {
    this.#finishPartition()
    const before = this.#queue?.definition.generation ?? -1
    expect(definition.generation > before, 'queues out of order')
    this.#queue = { definition, partitions: new Map() }
    this.#state.queues.set(definition.generation, this.#queue)
  }

  #addPartition({ partition }: RecordOf<'partition'>): void {
    const before = this.#partition
    this.#finishPartition()
    const queue = this.#queue ?? malformed('a partition without a queue')
    expect(partition < queue.definition.partitions, 'a partition that its queue has not')
    expect(before?.queue !== queue || partition > before.ref.partition, 'partitions out of order')
    expect(this.#state.partitionCount < this.#state.limits.partitionsMax, 'too many partitions')
    this.#partition = this.#state.addPartition(queue, partition)
  }

  #addRedrive({ from, rate, startedAt, max, moved, next }: RecordOf<'redrive'>): void {
    const partition = this.#current()
    expect(partition.redrive === null && rate !== 0 && moved <= max, 'a redrive that cannot be')
    partition.redrive = { from, rate, startedAt, max, moved, next }
    this.#state.redrives.add(partition)
  }

  #addDedupe({ id, message, expires }: RecordOf<'dedupe'>): void {
    const { dedupe } = this.#current()
    expect(dedupe.find(id, -1) === null, 'a dedupe id twice')
    dedupe.add(id, { message, bytes: byteLength(id), expires })
  }

  #addProducer({ id, last, usedAt, answers }: RecordOf<'producer'>): void {
    const { producers } = this.#current()
    expect(!producers.knows(id) && last >= answers.length, 'a producer that cannot be')
    expect(
      answers.every((answer) => decodeAnswer(answer).ok),
      'a kept answer that is none',
    )
    // Copies: views would keep the whole snapshot in memory.
    producers.restore(id, { last, usedAt, answers: answers.map((answer) => answer.slice()) })
  }

  #addBatch({ row }: RecordOf<'batch'>): void {
    const { ledger } = this.#current()
    const before = this.#row
    const isNext = before === null || row.index > before.index || (row.index === before.index && row.start >= before.start + before.size)
    expect(isNext && row.unsettled > 0, 'batches out of order')
    ledger.add(row)
    this.#row = row
    this.#missing = row.unsettled - row.count
    this.#offset = row.start
  }

  #addMessage({ message }: RecordOf<'message'>): void {
    const { index, start, size, from, count } = this.#row ?? malformed('a message without a batch')
    expect(this.#missing > 0 && message.offset >= this.#offset && message.offset < start + size, 'messages out of order')
    expect(this.#state.records.find(index, message.offset) === none, 'a message in two partitions')
    expect(message.offset < from || message.offset >= from + count, 'a message twice')
    const partition = this.#current()
    const fault = faultOfMessage(this.#state, partition, message)
    if (fault !== null) malformed(fault)
    restoreMessage(this.#state, partition, { index, message })
    this.#missing--
    this.#offset = message.offset + 1
  }

  #current(): Partition {
    return this.#partition ?? malformed('something of a partition without one')
  }

  /** Which messages of a key come first is known when all are there. */
  #finishPartition(): void {
    const partition = this.#partition
    this.#partition = null
    this.#row = null
    if (partition === null) return
    const { records } = this.#state
    for (const { first } of partition.keys.values()) {
      if (first !== none && records.state[first] === ready) partition.deliverable.push(first)
    }
  }
}

function expect(condition: boolean, reason: string): void {
  if (!condition) malformed(reason)
}

/** The batches of each entry, over all partitions. */
function countBatches(state: QueueState): void {
  let [current, batches] = [0, 0]
  for (const index of liveIndexes(state, 0)) {
    if (index !== current && batches > 0) state.batches.restore(current, batches)
    batches = index === current ? batches + 1 : 1
    current = index
  }
  if (batches > 0) state.batches.restore(current, batches)
}
