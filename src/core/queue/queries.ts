import type { Millis, WallMillis } from '#base/brand.ts'
import { millis, wallMillis } from '#base/brand.ts'
import type { BatchRow } from './ledger-segment.ts'
import type { RecordNumber, RecordState } from './records.ts'
import { byWall, leased, rejectedFlag, scheduled, settledFlag, toSource } from './records.ts'
import type { Partition, QueueState } from './state.ts'
import { lengthOf } from './state.ts'
import { touchedOf } from './touched.ts'
import type { ConsumerId, DeadReason, MessageId, PartitionRef, QueueName } from './types.ts'

/** Questions to the state; whoever asks sees to it that it is recent enough. */

/** Whether a consume would deliver something now, as far as the state knows; a leader asks before it proposes one, so an empty one is not logged. */
export const isReady = (state: QueueState, ref: PartitionRef): boolean => hasMessage(state, ref) && !isInFlightFull(state, ref)

/** Whether something would be delivered if less were in flight. */
export const isHeldUp = (state: QueueState, ref: PartitionRef): boolean => hasMessage(state, ref) && isInFlightFull(state, ref)

function hasMessage(state: QueueState, ref: PartitionRef): boolean {
  const partition = state.find(ref)
  if (partition === undefined || partition.queue.definition.settings.paused) return false
  return partition.ledger.untouched + partition.deliverable.size > 0
}

const isInFlightFull = (state: QueueState, ref: PartitionRef): boolean => (state.find(ref)?.counts.leased ?? 0) >= state.limits.inFlightMax

export interface PartitionView {
  readonly queue: PartitionRef
  readonly name: QueueName
  /** Those behind others of their key included. */
  readonly ready: number
  readonly deliverable: number
  readonly inFlight: number
  readonly scheduled: number
  readonly dead: number
  /** Dead letters, or redriven ones, that their target does not have yet. */
  readonly moving: number
  /** What a limit of length counts. */
  readonly length: number
  /** When the oldest that is not settled came; null when there is none. */
  readonly oldestAt: WallMillis | null
  readonly redrive: { readonly from: 'dead' | 'ready'; readonly moved: number } | null
}

export function* viewPartitions(state: QueueState): IterableIterator<PartitionView> {
  for (const partition of state.partitions()) yield viewOf(partition)
}

export function viewPartition(state: QueueState, ref: PartitionRef): PartitionView | null {
  const partition = state.find(ref)
  return partition === undefined ? null : viewOf(partition)
}

function viewOf(partition: Partition): PartitionView {
  const { ref, queue, ledger, counts, deliverable, redrive } = partition
  const [oldest] = ledger.rows()
  return {
    queue: ref,
    name: queue.definition.name,
    ready: ledger.untouched + counts.ready,
    deliverable: ledger.untouched + deliverable.size,
    inFlight: counts.leased,
    scheduled: counts.scheduled,
    dead: counts.dead,
    moving: counts.moving,
    length: lengthOf(partition),
    oldestAt: oldest === undefined ? null : wallMillis(oldest.wall),
    redrive: redrive === null ? null : { from: redrive.from, moved: redrive.moved },
  }
}

const stateNames = ['scheduled', 'ready', 'leased', 'dead', 'moving'] as const
export type StateName = (typeof stateNames)[number]

export interface MessageView {
  readonly id: MessageId
  readonly state: StateName
  readonly enqueuedAt: WallMillis
  readonly delivered: number
  readonly failed: number
  readonly priority: number
  readonly key: string | null
  readonly consumer: ConsumerId | null
  /** Until when it is scheduled or leased: by machine time, or by the wall clock. */
  readonly until: { readonly time: Millis } | { readonly wall: WallMillis } | null
}

/** All messages of a partition that are not settled, in the order of the log, from this place on; one by one, for there may be millions. */
export function* viewMessages(
  state: QueueState,
  ref: PartitionRef,
  from: { readonly index: number; readonly offset: number } = { index: 0, offset: 0 },
): IterableIterator<MessageView> {
  const partition = state.find(ref)
  for (const row of partition?.ledger.rows(from.index) ?? []) {
    for (const view of messagesOf(state, row)) if (row.index > from.index || view.id.offset >= from.offset) yield view
  }
}

function* messagesOf(state: QueueState, row: BatchRow): IterableIterator<MessageView> {
  let next = row.from
  const end = row.from + row.count
  for (const record of touchedOf(state, row)) {
    if (next < end && (state.records.offset[record] as number) > next) for (; next < end; next++) yield untouchedView(state, row, next)
    if (!state.records.isFlagged(record, settledFlag)) yield viewRecord(state, record, row)
  }
  for (; next < end; next++) yield untouchedView(state, row, next)
}

/** What would be delivered next, in that order, without delivering it; one by one. */
export function* peek(state: QueueState, ref: PartitionRef): IterableIterator<MessageView> {
  const partition = state.find(ref)
  if (partition === undefined) return
  const untouched = untouchedOf(state, partition)
  let next = untouched.next()
  for (const record of partition.deliverable.inOrder()) {
    const view = recordView(state, partition, record)
    if (view.priority === 0) for (; next.done !== true && isBefore(next.value.id, view.id); next = untouched.next()) yield next.value
    yield view
  }
  for (; next.done !== true; next = untouched.next()) yield next.value
}

const isBefore = (left: MessageId, right: MessageId): boolean =>
  left.index === right.index ? left.offset < right.offset : left.index < right.index

function* untouchedOf(state: QueueState, { ledger }: Partition): IterableIterator<MessageView> {
  for (const row of ledger.rows()) {
    for (let offset = row.from; offset < row.from + row.count; offset++) yield untouchedView(state, row, offset)
  }
}

function untouchedView({ identity }: QueueState, { index, check, wall }: BatchRow, offset: number): MessageView {
  const id = { slot: identity.slot, index, offset, check }
  return {
    id,
    state: 'ready',
    enqueuedAt: wallMillis(wall),
    delivered: 0,
    failed: 0,
    priority: 0,
    key: null,
    consumer: null,
    until: null,
  }
}

function recordView(state: QueueState, { ledger }: Partition, record: RecordNumber): MessageView {
  ledger.seek(state.records.indexOf(record), state.records.offset[record] as number)
  return viewRecord(state, record, { check: ledger.check, wall: ledger.wall })
}

function viewRecord(state: QueueState, record: RecordNumber, { check, wall }: Pick<BatchRow, 'check' | 'wall'>): MessageView {
  const { records, identity } = state
  const current = records.state[record] as RecordState
  const deadline = records.deadline[record] as number
  const isTimed = current === scheduled || current === leased
  return {
    id: { slot: identity.slot, index: records.indexOf(record), offset: records.offset[record] as number, check },
    state: stateNames[current],
    enqueuedAt: wallMillis(wall),
    delivered: records.lease[record] as number,
    failed: records.failed[record] as number,
    priority: records.priority[record] as number,
    key: state.keys.of(record)?.name ?? null,
    consumer: current === leased ? state.consumers.of(record).id : null,
    until: !isTimed ? null : records.isFlagged(record, byWall) ? { wall: wallMillis(deadline) } : { time: millis(deadline) },
  }
}

/** A message that its leader is to bring to another queue: to the dead letters, or to the queue that its `source` names. */
export interface Transfer {
  readonly id: MessageId
  readonly from: PartitionRef
  readonly name: QueueName
  /** Null: where it came from. */
  readonly deadLetterQueue: QueueName | null
  readonly reason: DeadReason
  readonly delivered: number
  readonly failed: number
}

/** Those that are not postponed; one by one. */
export function* transfersDue(state: QueueState): IterableIterator<Transfer> {
  const { records, identity } = state
  for (const record of state.outbox) {
    const partition = state.partitionOf(record)
    const { definition } = partition.queue
    const index = records.indexOf(record)
    const offset = records.offset[record] as number
    partition.ledger.seek(index, offset)
    yield {
      id: { slot: identity.slot, index, offset, check: partition.ledger.check },
      from: partition.ref,
      name: definition.name,
      deadLetterQueue: records.isFlagged(record, toSource) ? null : definition.settings.deadLetterQueue,
      reason: records.isFlagged(record, rejectedFlag) ? 'rejected' : 'failures',
      delivered: records.lease[record] as number,
      failed: records.failed[record] as number,
    }
  }
}

export interface SlotCounts {
  readonly queues: number
  readonly partitions: number
  /** Batches with messages that are not settled. */
  readonly batches: number
  readonly touched: number
  readonly consumers: number
  readonly dedupeIds: number
  readonly producers: number
  readonly transfersDue: number
}

export const countsOf = (state: QueueState): SlotCounts => ({
  queues: state.queues.size,
  partitions: state.partitionCount,
  batches: state.batches.size,
  touched: state.records.size,
  consumers: state.consumers.size,
  dedupeIds: state.dedupeTotals.ids,
  producers: state.producerTotals.producers,
  transfersDue: state.outbox.size,
})
