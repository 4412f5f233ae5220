import { touchHead } from './heads.ts'
import type { RecordNumber } from './records.ts'
import { moving, none, ready, toSource } from './records.ts'
import { refuse } from './refuse.ts'
import type { Partition, Place, QueueState, RedriveJob, Step } from './state.ts'
import { nextMoveAt } from './state.ts'
import { revive, sendBack } from './transitions.ts'
import type { PartitionRef, QueueAnswer, Redrive } from './types.ts'

/** Begins to move; the first steps are taken in the same entry, later ones when they are due. */
export function redrive(step: Step, { queue, from, rate, max }: Redrive): QueueAnswer {
  const { state, context } = step
  const partition = state.find(queue)
  if (partition === undefined)
    return state.queues.has(queue.generation) ? { type: 'redrive', moved: 0, max: 0, active: false } : refuse('unknown_queue')
  if (partition.redrive !== null) return refuse('redrive_active')
  const there = from === 'dead' ? partition.dead.size : partition.ledger.untouched + partition.counts.ready
  const next = { index: 0, offset: 0 }
  const job: RedriveJob = { from, rate, startedAt: context.time, max: Math.min(max ?? Infinity, there), moved: 0, next }
  partition.redrive = job
  state.redrives.add(partition)
  stepOne(step, partition, job)
  return { type: 'redrive', moved: job.moved, max: job.max, active: partition.redrive !== null }
}

/** What it moved stays moved, but what is still on its way to where it came from stays here. */
export function cancelRedrive(step: Step, queue: PartitionRef): QueueAnswer {
  const { state } = step
  const partition = state.find(queue)
  const job = partition?.redrive ?? null
  if (partition === undefined) return refuse(state.queues.has(queue.generation) ? 'no_redrive' : 'unknown_queue')
  const returning = movingToSource(state, partition)
  if (job === null && returning.length === 0) return refuse('no_redrive')
  for (const record of returning) revive(step, record)
  if (job !== null) endJob(step, partition, job)
  const moved = job?.moved ?? 0
  return { type: 'redrive', moved, max: moved, active: false }
}

/** True when some are due that a limit has left for the next command. */
export function stepRedrives(step: Step): boolean {
  let more = false
  const partitions = [...step.state.redrives].sort(byRef)
  for (const partition of partitions) if (partition.redrive !== null) more = stepOne(step, partition, partition.redrive) || more
  return more
}

const byRef = ({ ref: left }: Partition, { ref: right }: Partition): number =>
  left.generation === right.generation ? left.partition - right.partition : left.generation - right.generation

function stepOne(step: Step, partition: Partition, job: RedriveJob): boolean {
  for (let moved = 0; nextMoveAt(job) <= step.context.time; moved++) {
    if (moved === step.state.limits.expiriesMax) return true
    if (job.moved >= job.max || !moveOne(step, partition, job)) {
      endJob(step, partition, job)
      return false
    }
    job.moved++
  }
  if (job.moved >= job.max) endJob(step, partition, job)
  return false
}

function moveOne(step: Step, partition: Partition, job: RedriveJob): boolean {
  const record = job.from === 'dead' ? partition.dead.peek() : takeReady(step, partition, job)
  if (record === none) return false
  if (job.from === 'dead') revive(step, record)
  else sendBack(step, record)
  return true
}

/** In the order of the log, each at most once, whether or not others of its key stand before it. */
function takeReady(step: Step, partition: Partition, job: RedriveJob): RecordNumber {
  const { records } = step.state
  const { ledger } = partition
  const offset = ledger.seekHead()
  const head = offset === null ? null : { index: ledger.index, offset }
  const earlier = readyBetween(step.state, partition, job.next, head)
  const record = earlier === none && head !== null ? touchHead(step, partition) : earlier
  if (record !== none) job.next = { index: records.indexOf(record), offset: (records.offset[record] as number) + 1 }
  return record
}

/** The first record that is ready; without an end, of all that come. */
function readyBetween({ records }: QueueState, { ledger }: Partition, from: Place, end: Place | null): RecordNumber {
  for (const row of ledger.rows(from.index, from.offset)) {
    if (end !== null && !isBefore(row.index, row.start, end)) return none
    if (row.unsettled === row.count) continue
    for (let offset = row.index === from.index ? Math.max(row.start, from.offset) : row.start; offset < row.start + row.size; offset++) {
      if (end !== null && !isBefore(row.index, offset, end)) return none
      const record = records.find(row.index, offset)
      if (record !== none && records.state[record] === ready) return record
    }
  }
  return none
}

const isBefore = (index: number, offset: number, place: Place): boolean =>
  index === place.index ? offset < place.offset : index < place.index

function endJob(step: Step, partition: Partition, { moved }: RedriveJob): void {
  partition.redrive = null
  step.state.redrives.delete(partition)
  step.report({ type: 'redrive-ended', queue: partition.ref, moved })
}

function movingToSource({ records }: QueueState, { number }: Partition): RecordNumber[] {
  const found = [...records.all()].filter(
    (record) => records.partition[record] === number && records.state[record] === moving && records.isFlagged(record, toSource),
  )
  return found.sort((left, right) => (records.isBefore(left, right) ? -1 : 1))
}
