import { writeFrame } from '#base/codec/snapshot-frame.ts'
import type { RecordNumber, RecordState } from './records.ts'
import { leased, moving, none, scheduled } from './records.ts'
import type { MessageRecord, SnapshotRecord } from './snapshot-schema.ts'
import { snapshotKind, snapshotRecord } from './snapshot-schema.ts'
import type { Partition, QueueState } from './state.ts'
import { touchedOf } from './touched.ts'

/** Equal states give equal bytes, whatever log or snapshot they came from. The state must not change in between. */
export const writeSnapshot = (state: QueueState): IterableIterator<Uint8Array> => writeFrame(snapshotKind, snapshotRecord, recordsOf(state))

function* recordsOf(state: QueueState): IterableIterator<SnapshotRecord> {
  const { identity, deletedAt, time, wall } = state
  yield { type: 'machine', ...identity, deletedAt, time, wall }
  for (const queue of [...state.queues.values()].sort((left, right) => left.definition.generation - right.definition.generation)) {
    yield { type: 'queue', definition: queue.definition }
    const partitions = [...queue.partitions.values()].sort((left, right) => left.ref.partition - right.ref.partition)
    for (const partition of partitions) yield* partitionRecords(state, partition)
  }
}

function* partitionRecords(state: QueueState, partition: Partition): IterableIterator<SnapshotRecord> {
  const { ref, redrive, dedupe, producers, ledger } = partition
  yield { type: 'partition', partition: ref.partition }
  if (redrive !== null) yield { type: 'redrive', ...redrive }
  for (const [id, { message, expires }] of dedupe.entries()) yield { type: 'dedupe', id, message, expires }
  for (const [id, { last, usedAt, answers }] of producers.entries()) yield { type: 'producer', id, last, usedAt, answers }
  for (const row of ledger.rows()) {
    yield { type: 'batch', row }
    for (const record of touchedOf(state, row)) yield { type: 'message', message: messageRecord(state, record) }
  }
}

function messageRecord({ records, keys, consumers }: QueueState, record: RecordNumber): MessageRecord {
  const state = records.state[record] as RecordState
  const expires = records.expires[record] as number
  const isTimed = state === scheduled || state === leased || (state === moving && records.timed[record] !== none)
  return {
    offset: records.offset[record] as number,
    state,
    flags: records.flags[record] as number,
    priority: records.priority[record] as number,
    deadline: isTimed ? (records.deadline[record] as number) : 0,
    expires: expires === Infinity ? null : expires,
    lease: records.lease[record] as number,
    failed: records.failed[record] as number,
    key: keys.of(record)?.name ?? null,
    consumer: state === leased ? consumers.of(record).id : null,
  }
}
