import type { RecordNumber } from './records.ts'
import { dead, leased, moving, settledFlag, toSource } from './records.ts'
import { refuse } from './refuse.ts'
import type { Partition, Queue, QueueState, Step } from './state.ts'
import { endLease } from './receipts.ts'
import { layToRest, settle, settleUnderLease } from './transitions.ts'
import type { Configure, ConsumerId, DeleteQueue, PartitionRef, QueueAnswer } from './types.ts'

/**
 * Opens a queue that the slot does not know, or changes its settings. A command that was made from a catalogue which did not yet know of a
 * deletion that this slot has carried out may bring the deleted queue back, so it is refused (decision Q9).
 */
export function configure(step: Step, { queue: definition, catalogueVersion }: Configure): QueueAnswer {
  const { state } = step
  const { generation } = definition
  const known = state.queues.get(generation)
  if (known === undefined) {
    if (catalogueVersion < state.deletedAt) return refuse('stale_catalogue')
    if (state.queues.size >= state.limits.queuesMax) return refuse('too_many_queues')
    state.queues.set(generation, { definition, partitions: new Map() })
  } else if (definition.revision > known.definition.revision) update(step, known, definition)
  else return { type: 'configured', generation, revision: known.definition.revision }
  step.report({ type: 'queue-configured', generation })
  return { type: 'configured', generation, revision: definition.revision }
}

/** Name and partitions never change (decision Q8). */
function update(step: Step, queue: Queue, { settings, revision }: Queue['definition']): void {
  queue.definition = { ...queue.definition, settings, revision }
  const partitions = [...queue.partitions.values()]
  for (const { dedupe } of partitions) dedupe.shorten(step.context.time + settings.dedupeWindowMs)
  if (settings.deadLetterQueue !== null || partitions.every(({ counts }) => counts.moving === 0)) return
  for (const record of recordsOf(step.state, partitions)) if (isMovingAway(step.state, record)) layToRest(step, record)
}

const isMovingAway = ({ records }: QueueState, record: RecordNumber): boolean =>
  records.state[record] === moving && !records.isFlagged(record, toSource)

/** Everything of it is gone, what is leased too. */
export function deleteQueue(step: Step, { generation, catalogueVersion }: DeleteQueue): QueueAnswer {
  const { state } = step
  state.deletedAt = Math.max(state.deletedAt, catalogueVersion)
  const queue = state.queues.get(generation)
  if (queue === undefined) return { type: 'deleted', generation }
  const partitions = [...queue.partitions.values()]
  for (const record of recordsOf(state, partitions)) settle(step, record)
  for (const partition of partitions) {
    settleUntouched(state, partition)
    partition.dedupe.clear()
    partition.producers.clear()
    partition.redrive = null
    state.redrives.delete(partition)
    step.forget(partition)
    state.removePartition(partition)
  }
  state.queues.delete(generation)
  step.report({ type: 'queue-deleted', generation })
  return { type: 'deleted', generation }
}

/** Whatever waits is gone. What is leased is settled, too, but its key and its place in flight are free when its lease is over. */
export function purge(step: Step, { queue, dead: deadToo }: { readonly queue: PartitionRef; readonly dead: boolean }): QueueAnswer {
  const { state } = step
  if (!state.queues.has(queue.generation)) return refuse('unknown_queue')
  const partition = state.find(queue)
  if (partition === undefined) return { type: 'purged', count: 0 }
  let count = settleUntouched(state, partition)
  for (const record of recordsOf(state, [partition])) if (purgeOne(step, record, deadToo)) count++
  partition.dedupe.clear()
  step.count(partition, 'dropped', count)
  return { type: 'purged', count }
}

function purgeOne(step: Step, record: RecordNumber, deadToo: boolean): boolean {
  const { records } = step.state
  const current = records.state[record]
  if (current === leased) {
    if (records.isFlagged(record, settledFlag)) return false
    settleUnderLease(step, record)
    return true
  }
  if ((current === dead || current === moving) && !deadToo) return false
  settle(step, record)
  return true
}

/** Decision Q10: nobody is there to be told, so the delivery counts and the failure does not. */
export function releaseConsumer(step: Step, id: ConsumerId): QueueAnswer {
  const { state } = step
  const consumer = state.consumers.get(id)
  if (consumer === undefined) return { type: 'released', count: 0, more: false }
  const { records } = state
  const leases = [...state.consumers.leasesOf(consumer)].sort((left, right) => (records.isBefore(left, right) ? -1 : 1))
  const some = leases.slice(0, state.limits.expiriesMax)
  for (const record of some) endLease(step, record, false)
  return { type: 'released', count: some.length, more: some.length < leases.length }
}

/** The last first: none becomes the first of its key on the way. */
function recordsOf({ records }: QueueState, partitions: readonly Partition[]): RecordNumber[] {
  const numbers = new Set(partitions.map(({ number }) => number))
  const found = [...records.all()].filter((record) => numbers.has(records.partition[record] as number))
  return found.sort((left, right) => (records.isBefore(left, right) ? 1 : -1))
}

function settleUntouched(state: QueueState, { ledger }: Partition): number {
  const count = ledger.untouched
  while (ledger.seekHead() !== null) {
    const { index } = ledger
    ledger.takeHead()
    if (ledger.settle()) state.forgetBatch(index)
  }
  return count
}
