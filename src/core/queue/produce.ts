import { assert } from '#base/assert.ts'
import { decodeAnswer, encodeAnswer } from './command-codec.ts'
import { entryCheck } from './entry-check.ts'
import { firstDeliverable, settleHead } from './heads.ts'
import { offsets } from './message-id.ts'
import { none } from './records.ts'
import { refuse } from './refuse.ts'
import type { Partition, QueueState, Step } from './state.ts'
import { lengthOf } from './state.ts'
import { byteLength } from './text-size.ts'
import { beginRecord, joinKey, makeReady, schedule, settle } from './transitions.ts'
import type { Message, MessageId, Produce, Produced, ProducerRef, ProduceResult, QueueAnswer } from './types.ts'

/** The command as it is in the log: ids depend on it (decision Q5). */
export interface Logged {
  readonly bytes: Uint8Array
  /** The offset of its first message in the entry. */
  readonly start: number
}

export function produce(step: Step, command: Produce, logged: Logged): QueueAnswer {
  const { state } = step
  const queue = state.queues.get(command.queue.generation)
  if (queue === undefined) return refuse('unknown_queue')
  if (command.queue.partition >= queue.definition.partitions) return refuse('invalid', 'partition')
  let partition = queue.partitions.get(command.queue.partition)
  if (partition === undefined) {
    if (state.partitionCount >= state.limits.partitionsMax) return refuse('too_many_partitions')
    partition = state.addPartition(queue, command.queue.partition)
  }
  const { producer } = command
  if (producer === null) return takeBatch(step, partition, command.messages, logged)
  return once(step, partition, producer, () => takeBatch(step, partition, command.messages, logged))
}

/** Decision Q6: each batch once and in order, whichever node brings it. */
function once(step: Step, partition: Partition, producer: ProducerRef, run: () => Produced): QueueAnswer {
  const { state, context } = step
  const { limits } = state
  const { producers } = partition
  producers.forget(context.time - limits.producerIdleMs)
  const admission = producers.admit(producer)
  producers.touch(producer.id, context.time)
  switch (admission.type) {
    case 'repeated':
      return answerOf(admission.answer)
    case 'already-answered':
      return refuse('already_answered')
    case 'gap':
      return refuse('out_of_sequence', String(admission.expected))
    case 'unknown':
      return refuse('unknown_producer')
    case 'new': {
      if (!producers.knows(producer.id) && !hasProducerRoom(state, context.time)) return refuse('too_many_producers')
      const answer = run()
      // A copy: what is encoded is a view of a slab, which would be kept whole.
      producers.record(producer, encodeAnswer(answer).slice(), { now: context.time, limits })
      return answer
    }
  }
}

function answerOf(bytes: Uint8Array): QueueAnswer {
  const decoded = decodeAnswer(bytes)
  assert(decoded.ok, 'a kept answer was encoded here, or checked when it was restored')
  return decoded.value
}

/** Those of other partitions that are idle make room only when it is needed: nobody else looks at them. */
function hasProducerRoom(state: QueueState, now: number): boolean {
  const { producersMax, producerIdleMs } = state.limits
  if (state.producerTotals.producers < producersMax) return true
  for (const { producers } of state.partitions()) producers.forget(now - producerIdleMs)
  return state.producerTotals.producers < producersMax
}

function takeBatch(step: Step, partition: Partition, messages: readonly Message[], { bytes, start }: Logged): Produced {
  const { state, context } = step
  const { index, term, wall } = context
  const check = entryCheck(state.clusterHash, term, bytes)
  // When there is no offset left all are refused, and this is the id of none.
  const first: MessageId = { slot: state.identity.slot, index, offset: Math.min(start, offsets - 1), check }
  // A row has 16 bits for its start, and an entry may have more messages than that.
  if (start >= offsets) return { type: 'produced', first, results: messages.map(() => entryFull) }
  if (state.batches.size >= state.limits.batchesMax) return { type: 'produced', first, results: messages.map(() => slotFull) }
  state.openBatch(partition, { index, start, size: messages.length, check, wall: Math.floor(wall) })
  const results = messages.map((message, at) => {
    const offset = start + at
    return offset < offsets ? take(step, partition, { message, id: at === 0 ? first : { ...first, offset } }) : entryFull
  })
  if (partition.ledger.close()) state.forgetBatch(index)
  return { type: 'produced', first, results }
}

const enqueued: ProduceResult = { type: 'enqueued' }
const slotFull: ProduceResult = { type: 'refused', code: 'slot_full' }
const queueFull: ProduceResult = { type: 'refused', code: 'queue_full' }
const entryFull: ProduceResult = { type: 'refused', code: 'entry_full' }
const dedupeFull: ProduceResult = { type: 'refused', code: 'dedupe_full' }

interface Candidate {
  readonly message: Message
  readonly id: MessageId
}

/** Nothing is dropped for a message that is refused. */
function take(step: Step, partition: Partition, candidate: Candidate): ProduceResult {
  const { state, context } = step
  const { settings } = partition.queue.definition
  const { dedupeId } = candidate.message
  const isDeduped = dedupeId !== null && settings.dedupeWindowMs > 0
  if (isDeduped) {
    const earlier = partition.dedupe.find(dedupeId, context.time)
    if (earlier !== null) return { type: 'duplicate', id: earlier }
    if (!hasDedupeRoom(step, partition, dedupeId)) return dedupeFull
  }
  const isPlain = isPlainMessage(candidate.message, settings.ttlMs)
  if (!isPlain && state.records.size >= state.limits.touchedMax) return slotFull
  if (!makeRoom(step, partition)) return queueFull
  enqueue(step, partition, candidate, isPlain)
  if (isDeduped) {
    const bytes = byteLength(dedupeId)
    partition.dedupe.add(dedupeId, { message: candidate.id, bytes, expires: context.time + settings.dedupeWindowMs })
  }
  return enqueued
}

function enqueue(step: Step, partition: Partition, { message, id }: Candidate, isPlain: boolean): void {
  const { ledger } = partition
  const bytes = message.body.length
  step.count(partition, 'enqueued')
  if (isPlain && ledger.addUntouched(id.offset, bytes)) step.count(partition, 'available')
  else {
    ledger.addTouched(bytes)
    begin(step, partition, { message, id })
  }
}

const isPlainMessage = ({ key, priority, delay, ttlMs }: Message, queueTtlMs: number | null): boolean =>
  key === null && priority === 0 && delay.type === 'none' && ttlMs === null && queueTtlMs === null

function begin(step: Step, partition: Partition, { message, id }: Candidate): void {
  const { state, context } = step
  const { records } = state
  const { key, priority, delay } = message
  const ttlMs = message.ttlMs ?? partition.queue.definition.settings.ttlMs
  const record = beginRecord(step, partition, id)
  records.priority[record] = priority
  const waitMs = delay.type === 'none' ? 0 : delay.type === 'after' ? delay.ms : Math.max(0, delay.instant - context.wall)
  if (ttlMs !== null) records.expires[record] = context.time + waitMs + ttlMs
  if (key !== null) joinKey(step, record, key)
  if (waitMs === 0) makeReady(step, record)
  else if (delay.type === 'at') schedule(step, record, { at: delay.instant, wall: true })
  else schedule(step, record, { at: context.time + waitMs, wall: false })
}

/** Windows of other partitions make room only when it is needed: nobody else looks at them. */
function hasDedupeRoom({ state, context }: Step, { dedupe }: Partition, id: string): boolean {
  dedupe.forget(context.time)
  const bytes = byteLength(id)
  const { dedupeTotals: totals, limits } = state
  const hasRoom = (): boolean => totals.ids < limits.dedupeIdsMax && totals.bytes + bytes <= limits.dedupeBytesMax
  if (hasRoom()) return true
  for (const other of state.partitions()) other.dedupe.forget(context.time)
  return hasRoom()
}

/**
 * Under `drop-head` the oldest deliverable message of the lowest priority goes, never one that is leased (decision Q8). After the limit was
 * lowered several go for one, until it holds again.
 */
function makeRoom(step: Step, partition: Partition): boolean {
  const { maxLength, overflow } = partition.queue.definition.settings
  if (maxLength === null || lengthOf(partition) < maxLength) return true
  if (overflow === 'reject' || !dropHead(step, partition)) return false
  for (let left = step.state.limits.expiriesMax - 1; left > 0 && lengthOf(partition) >= maxLength; left--) {
    if (!dropHead(step, partition)) break
  }
  return true
}

function dropHead(step: Step, partition: Partition): boolean {
  const head = firstDeliverable(step.state, partition, 'lowest')
  if (head === null) return false
  step.count(partition, 'dropped')
  if (head.record === none) settleHead(step, partition)
  else settle(step, head.record)
  return true
}
