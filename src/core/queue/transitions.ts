import { assert, unreachable } from '#base/assert.ts'
import type { KeyQueue } from './keys.ts'
import type { Partition, QueueState, StateCounts, Step } from './state.ts'
import type { RecordNumber, RecordState } from './records.ts'
import { byWall, dead, leased, moving, none, ready, rejectedFlag, scheduled, settledFlag, toSource } from './records.ts'
import type { ConsumerId, DeadReason } from './types.ts'

/**
 * How one message goes from state to state: out of every list that its state has it in, and into those of the next. Whoever asks has made sure
 * that it may.
 *
 * Invariant: of a key only the first is deliverable, and while that is leased, scheduled or behind its time, none is.
 */

export const counterOf: Readonly<Record<RecordState, keyof StateCounts>> = {
  [scheduled]: 'scheduled',
  [ready]: 'ready',
  [leased]: 'leased',
  [dead]: 'dead',
  [moving]: 'moving',
}

/** A message that has been nowhere yet, or only in its ledger. */
export function beginRecord(step: Step, partition: Partition, place: { readonly index: number; readonly offset: number }): RecordNumber {
  const record = step.state.records.add({ ...place, partition: partition.number })
  partition.counts.ready++
  return record
}

/** Deliverable, or behind others of its key. One whose ttl is over by now goes. */
export function makeReady(step: Step, record: RecordNumber): void {
  const { state } = step
  const { records } = state
  detach(state, record)
  if ((records.expires[record] as number) <= step.context.time) {
    step.count(state.partitionOf(record), 'expired')
    enter(state, record, ready)
    settle(step, record)
    return
  }
  enter(state, record, ready)
  if (records.expires[record] !== Infinity) {
    records.deadline[record] = records.expires[record] as number
    state.deadlines.push(record)
  }
  standAgain(step, record)
  if (state.keys.isFirst(record)) offer(step, record)
}

/** Until a moment of machine time, or an instant of the wall clock. */
export function schedule(step: Step, record: RecordNumber, due: { readonly at: number; readonly wall: boolean }): void {
  const { state } = step
  detach(state, record)
  enter(state, record, scheduled)
  state.records.deadline[record] = due.at
  state.records.setFlag(record, byWall, due.wall)
  timersOf(state, record).push(record)
  standAgain(step, record)
}

export function lease(
  step: Step,
  record: RecordNumber,
  { consumer, visibilityMs }: { readonly consumer: ConsumerId; readonly visibilityMs: number },
): void {
  const { state, context } = step
  const { records } = state
  detach(state, record)
  enter(state, record, leased)
  records.lease[record] = (records.lease[record] as number) + 1
  records.deadline[record] = context.time + visibilityMs
  state.deadlines.push(record)
  state.consumers.link(consumer, record)
  step.count(state.partitionOf(record), 'delivered')
}

/** The newest lease goes on, until so long from now. */
export function extendLease({ state, context }: Step, record: RecordNumber, visibilityMs: number): void {
  state.deadlines.remove(record)
  state.records.deadline[record] = context.time + visibilityMs
  state.deadlines.push(record)
}

/** Settled by somebody else than its newest lease: its key and its place in flight stay taken until that is over (decision Q7). */
export function settleUnderLease({ state }: Step, record: RecordNumber): void {
  assert(state.records.state[record] === leased && !state.records.isFlagged(record, settledFlag), 'a message is settled once')
  state.records.setFlag(record, settledFlag, true)
  state.partitionOf(record).counts.settled++
}

/** Back after so long, without a change of its counters. */
export function giveBack(step: Step, record: RecordNumber, delayMs: number): void {
  if (delayMs > 0) schedule(step, record, { at: step.context.time + delayMs, wall: false })
  else makeReady(step, record)
}

/** To the dead: to stay here, or to be moved to the queue that is named for them. Its ttl is over, its key goes on. */
export function kill(step: Step, record: RecordNumber, reason: DeadReason): void {
  const { state } = step
  const partition = state.partitionOf(record)
  state.records.setFlag(record, rejectedFlag, reason === 'rejected')
  state.records.expires[record] = Infinity
  step.count(partition, 'dead')
  detach(state, record)
  leaveKey(step, record)
  enter(state, record, partition.queue.definition.settings.deadLetterQueue === null ? dead : moving)
  state.records.setFlag(record, toSource, false)
  partition.dead.push(record)
  if (state.records.state[record] === moving) post(step, record)
}

/** Back to the queue that it came from. */
export function sendBack(step: Step, record: RecordNumber): void {
  const { state } = step
  state.records.expires[record] = Infinity
  detach(state, record)
  leaveKey(step, record)
  enter(state, record, moving)
  state.records.setFlag(record, toSource, true)
  post(step, record)
}

/** The target does not take it now. */
export function postpone({ state, context }: Step, record: RecordNumber, delayMs: number): void {
  if (!state.outbox.delete(record)) state.deadlines.remove(record)
  state.records.deadline[record] = context.time + delayMs
  state.deadlines.push(record)
}

/** What was postponed is due again. */
export function post(step: Step, record: RecordNumber): void {
  if (step.state.outbox.size === 0) step.report({ type: 'transfers-due' })
  step.state.outbox.add(record)
}

/** Dead letters stay where they are, since their queue names none for them any more. */
export function layToRest({ state }: Step, record: RecordNumber): void {
  detach(state, record)
  enter(state, record, dead)
  state.partitionOf(record).dead.push(record)
}

/** Over and forgotten, and the body with it when it was the last of its entry. */
export function settle(step: Step, record: RecordNumber): void {
  const { state } = step
  const { records } = state
  const partition = state.partitionOf(record)
  const { ledger, counts } = partition
  const isResting = records.state[record] === dead || records.state[record] === moving
  if (records.isFlagged(record, settledFlag)) {
    counts.settled--
    step.count(partition, 'freed')
  }
  detach(state, record)
  if (!isResting) leaveKey(step, record)
  forgetKey(state, partition, record)
  const index = records.indexOf(record)
  assert(ledger.seek(index, records.offset[record] as number), 'the batch of a message that is not settled is known')
  records.remove(record)
  if (ledger.settle()) state.forgetBatch(index)
}

function enter(state: QueueState, record: RecordNumber, next: RecordState): void {
  state.records.state[record] = next
  state.partitionOf(record).counts[counterOf[next]]++
}

/** Out of every list of its state. Its key, and its place there, stay. */
function detach(state: QueueState, record: RecordNumber): void {
  const { records } = state
  const partition = state.partitionOf(record)
  const current = records.state[record] as RecordState
  partition.counts[counterOf[current]]--
  switch (current) {
    case scheduled:
      timersOf(state, record).remove(record)
      return records.setFlag(record, byWall, false)
    case ready:
      if (records.timed[record] !== none) state.deadlines.remove(record)
      if (records.place[record] !== none) partition.deliverable.remove(record)
      return undefined
    case leased:
      state.deadlines.remove(record)
      records.setFlag(record, settledFlag, false)
      return state.consumers.unlink(record)
    case dead:
      return partition.dead.remove(record)
    case moving:
      if (!state.outbox.delete(record)) state.deadlines.remove(record)
      if (records.place[record] !== none) partition.dead.remove(record)
      return undefined
    default:
      return unreachable(current)
  }
}

const timersOf = (state: QueueState, record: RecordNumber): QueueState['deadlines'] =>
  state.records.isFlagged(record, byWall) ? state.instants : state.deadlines

/** Its key goes on with the next one. What is dead or moves bears it still, for the case that it comes back. */
function leaveKey(step: Step, record: RecordNumber): void {
  const { keys, records } = step.state
  const key = keys.of(record)
  if (key === null) return
  const promoted = keys.leave(record)
  key.resting++
  if (promoted !== none && records.state[promoted] === ready) offer(step, promoted)
}

function forgetKey({ keys, records }: QueueState, partition: Partition, record: RecordNumber): void {
  const key = keys.of(record)
  if (key === null) return
  records.key[record] = none
  key.resting--
  if (key.first !== none || key.resting > 0) return
  partition.keys.delete(key.name)
  keys.forget(key)
}

function offer(step: Step, record: RecordNumber): void {
  const partition = step.state.partitionOf(record)
  partition.deliverable.push(record)
  step.count(partition, 'available')
}

/** Dead or moving until now: ready as if it had never failed, at its old place. */
export function revive(step: Step, record: RecordNumber): void {
  const { state } = step
  const key = state.keys.of(record)
  state.records.failed[record] = 0
  detach(state, record)
  state.records.setFlag(record, toSource | rejectedFlag, false)
  enter(state, record, ready)
  if (key !== null) {
    key.resting--
    stand(state, record, key)
  }
  makeReady(step, record)
}

/** Gives a new message its key. */
export function joinKey({ state }: Step, record: RecordNumber, name: string): void {
  stand(state, record, keyNamed(state, state.partitionOf(record), name))
}

export function keyNamed({ keys }: QueueState, partition: Partition, name: string): KeyQueue {
  const known = partition.keys.get(name)
  if (known !== undefined) return known
  const key = keys.create(name)
  partition.keys.set(name, key)
  return key
}

/** In flight it stood in front of what came back from the dead meanwhile; now that goes first if it is older. */
function standAgain(step: Step, record: RecordNumber): void {
  const { keys, records } = step.state
  const key = keys.of(record)
  const second = records.keyAfter[record] as number
  if (key === null || second === none || !keys.isFirst(record) || records.isBefore(record, second)) return
  const promoted = keys.leave(record)
  keys.join(key, record)
  if (records.state[promoted] === ready) offer(step, promoted)
}

/** What it gets in front of is deliverable no more. */
function stand(state: QueueState, record: RecordNumber, key: KeyQueue): void {
  const { keys, records } = state
  keys.join(key, record)
  const second = records.keyAfter[record] as number
  if (second !== none && records.place[second] !== none) state.partitionOf(record).deliverable.remove(second)
}
