import { assert } from '#base/assert.ts'
import type { BatchRow } from './ledger-segment.ts'
import type { RecordNumber } from './records.ts'
import { byWall, dead, leased, moving, none, ready, scheduled, settledFlag, toSource } from './records.ts'
import type { Partition, QueueState } from './state.ts'

/** What holds after every command; run by the simulator and by tests. Says everything in its own words, so as not to agree by mistake. */
export function checkInvariants(state: QueueState): void {
  const seen = new Set<RecordNumber>()
  const byIndex = recordsByIndex(state)
  let [batches, redrives] = [0, 0]
  for (const [generation, queue] of state.queues) {
    assert(queue.definition.generation === generation, 'a queue is known by its generation')
    for (const [number, partition] of queue.partitions) {
      assert(number < queue.definition.partitions && partition.ref.partition === number, 'a partition is known by its number')
      assert(partition.queue === queue && state.find(partition.ref) === partition, 'a partition belongs to its queue')
      batches += checkPartition(state, partition, { seen, byIndex })
      if (partition.redrive !== null) redrives++
    }
  }
  assert(state.records.size === seen.size && [...state.records.all()].every((record) => seen.has(record)), 'every record has a batch')
  assert(state.batches.size === batches, 'batches are counted')
  assert(state.redrives.size === redrives, 'redrives are known')
  checkTimers(state, seen)
  checkTotals(state)
}

/** What only grows. */
export interface Marks {
  readonly time: number
  readonly deletedAt: number
}

export const marksOf = ({ time, deletedAt }: QueueState): Marks => ({ time, deletedAt })

export function checkProgress(before: Marks, after: QueueState): void {
  assert(after.time >= before.time, 'machine time never goes back')
  assert(after.deletedAt >= before.deletedAt, 'a deletion is never forgotten (decision Q9)')
}

/** The number of its batches; `seen` gets its records. */
function checkPartition(state: QueueState, partition: Partition, { seen, byIndex }: Known): number {
  const { records } = state
  const rows = [...partition.ledger.rows()]
  const own: RecordNumber[] = []
  for (const [at, row] of rows.entries()) {
    assert(at === 0 || endsBefore(rows[at - 1], row), 'batches are in the order of the log')
    own.push(
      ...checkRow(
        state,
        row,
        (byIndex.get(row.index) ?? []).filter((record) => isOf(state, record, row)),
      ),
    )
  }
  assert(rows.length === partition.ledger.alive, 'batches that are alive are counted')
  assert(partition.ledger.isCompact, 'what is settled is forgotten')
  assert(rows.reduce((sum, { count }) => sum + count, 0) === partition.ledger.untouched, 'untouched messages are counted')
  for (const record of own) {
    assert(records.partition[record] === partition.number && state.partitionOf(record) === partition, 'a record belongs to its partition')
    checkRecord(state, partition, record)
    seen.add(record)
  }
  checkCounts(state, partition, own)
  checkKeys(state, partition, own)
  return rows.length
}

const endsBefore = (before: BatchRow | undefined, { index, start }: BatchRow): boolean =>
  before === undefined || before.index < index || (before.index === index && before.start + before.size <= start)

function isOf({ records }: QueueState, record: RecordNumber, { start, size }: BatchRow): boolean {
  const offset = records.offset[record] as number
  return offset >= start && offset < start + size
}

interface Known {
  readonly seen: Set<RecordNumber>
  readonly byIndex: ReadonlyMap<number, readonly RecordNumber[]>
}

function recordsByIndex({ records }: QueueState): Map<number, RecordNumber[]> {
  const byIndex = new Map<number, RecordNumber[]>()
  for (const record of records.all()) {
    const index = records.indexOf(record)
    byIndex.set(index, [...(byIndex.get(index) ?? []), record])
  }
  return byIndex
}

/** The records of its messages, which are `own`. */
function checkRow(
  { records }: QueueState,
  { index, unsettled, from, count }: BatchRow,
  own: readonly RecordNumber[],
): readonly RecordNumber[] {
  assert(unsettled > 0 && count <= unsettled, 'a batch is there for messages that are not settled')
  for (const record of own) {
    const offset = records.offset[record] as number
    assert(records.find(index, offset) === record, 'a record is found by its place')
    assert(offset < from || offset >= from + count, 'a message is untouched or has a record')
  }
  assert(own.length + count === unsettled, 'every message that is not settled is somewhere')
  return own
}

function checkRecord(state: QueueState, { deliverable, dead: dying }: Partition, record: RecordNumber): void {
  const { records, keys, outbox } = state
  const current = records.state[record]
  const isFlagged = (flag: number): boolean => records.isFlagged(record, flag)
  const isPlaced = records.place[record] !== none
  const isTimed = records.timed[record] !== none
  const hasTtl = records.expires[record] !== Infinity
  assert(!isFlagged(byWall) || current === scheduled, 'only what is scheduled waits for an instant')
  assert(!isFlagged(settledFlag) || current === leased, 'what is settled is over with its lease (decision Q7)')
  assert(outbox.has(record) === (current === moving && !isTimed), 'what moves is due or postponed')
  if (current === scheduled || current === leased) assert(isTimed && !isPlaced, 'what is scheduled or leased has a deadline')
  if (current === ready) {
    assert(isTimed === hasTtl, 'what is ready has a deadline when it has a ttl')
    assert(
      isPlaced === (keys.of(record) === null || keys.isFirst(record)),
      'what is ready is deliverable unless others of its key are before it',
    )
  }
  if (current === dead) assert(isPlaced && !isTimed && !hasTtl, 'the dead stay')
  if (current === moving) assert(isPlaced === !isFlagged(toSource) && !hasTtl, 'dead letters on their way are among the dead')
  if (current === leased) {
    assert((records.lease[record] as number) > 0, 'a lease has a number')
    const consumer = state.consumers.of(record)
    assert(
      state.consumers.get(consumer.id) === consumer && [...state.consumers.leasesOf(consumer)].includes(record),
      'a lease has a consumer',
    )
  }
  assert(deliverable.size + dying.size >= (isPlaced ? 1 : 0), 'what has a place is in a queue')
}

function checkCounts({ records, limits }: QueueState, partition: Partition, own: readonly RecordNumber[]): void {
  const { counts, deliverable, dead: dying } = partition
  const of = (...states: readonly number[]): RecordNumber[] => own.filter((record) => states.includes(records.state[record] as number))
  assert(counts.scheduled === of(scheduled).length && counts.ready === of(ready).length, 'what waits is counted')
  assert(counts.leased === of(leased).length && counts.leased <= limits.inFlightMax, 'what is in flight is counted, and limited')
  assert(counts.settled === own.filter((record) => records.isFlagged(record, settledFlag)).length, 'what is settled is counted')
  assert(counts.dead === of(dead).length && counts.moving === of(moving).length, 'the dead are counted')
  assert(deliverable.size === of(ready).filter((record) => records.place[record] !== none).length, 'what is deliverable is ready')
  assert(dying.size === of(dead, moving).filter((record) => records.place[record] !== none).length, 'the dead are dead')
  const inOrder = [...deliverable.inOrder()]
  assert(
    inOrder.every((record, at) => at === 0 || comesBefore(records, inOrder[at - 1] as number, record)),
    'higher priorities come first, each in the order of the log',
  )
}

function comesBefore(records: QueueState['records'], left: RecordNumber, right: RecordNumber): boolean {
  const [first, second] = [records.priority[left] as number, records.priority[right] as number]
  return first === second ? records.isBefore(left, right) : first > second
}

function checkKeys(state: QueueState, { keys }: Partition, own: readonly RecordNumber[]): void {
  const { records } = state
  for (const [name, key] of keys) {
    const bearers = own.filter((record) => state.keys.of(record) === key)
    const standing: RecordNumber[] = []
    for (let record = key.first; record !== none; record = records.keyAfter[record] as number) standing.push(record)
    assert(key.name === name && key.last === (standing.at(-1) ?? none), 'a key is known by its name, and ends where it ends')
    assert(bearers.length > 0 && bearers.length === standing.length + key.resting, 'a key is there for its messages')
    for (const [at, record] of standing.entries()) {
      const before = standing[at - 1]
      assert(records.keyBefore[record] === (before ?? none), 'lists lead both ways')
      assert(records.state[record] !== dead && records.state[record] !== moving, 'the dead do not hold up their key')
      assert(records.state[record] !== leased || at === 0, 'at most one message of a key is in flight, the first')
      const isInFlight = before !== undefined && records.state[before] === leased
      assert(before === undefined || isInFlight || records.isBefore(before, record), 'the messages of a key keep their order (decision Q8)')
    }
  }
  const named = own.filter((record) => records.key[record] !== none)
  assert(
    named.every((record) => keys.get(state.keys.of(record)?.name ?? '') === state.keys.of(record)),
    'a key is known to its partition',
  )
}

function checkTimers({ records, deadlines, instants }: QueueState, all: ReadonlySet<RecordNumber>): void {
  const timed = [...all].filter((record) => records.timed[record] !== none)
  assert(timed.length === deadlines.size + instants.size, 'nothing is timed that is over')
  const byClock = timed.filter((record) => records.isFlagged(record, byWall))
  assert(instants.size === byClock.length, 'instants are timed by the wall clock')
  const earliest = Math.min(
    ...timed.filter((record) => !records.isFlagged(record, byWall)).map((record) => records.deadline[record] as number),
  )
  assert(deadlines.size === 0 || records.deadline[deadlines.peek()] === earliest, 'the first deadline is known')
}

function checkTotals(state: QueueState): void {
  const partitions = [...state.partitions()]
  const known = [...state.queues.values()].flatMap((queue) => [...queue.partitions.values()])
  assert(partitions.length === known.length && partitions.length === state.partitionCount, 'partitions are counted')
  const { dedupeTotals, producerTotals, limits } = state
  assert(dedupeTotals.ids === partitions.reduce((sum, { dedupe }) => sum + dedupe.size, 0), 'dedupe ids are counted')
  assert(dedupeTotals.ids <= limits.dedupeIdsMax && dedupeTotals.bytes <= limits.dedupeBytesMax, 'the windows are bounded (decision Q6)')
  assert(producerTotals.producers === partitions.reduce((sum, { producers }) => sum + producers.size, 0), 'producers are counted')
  for (const { dedupe } of partitions) {
    const expiries = [...dedupe.entries()].map(([, { expires }]) => expires)
    assert(
      expiries.every((expires, at) => at === 0 || expires >= (expiries[at - 1] ?? 0)),
      'what is forgotten first comes first',
    )
  }
}
