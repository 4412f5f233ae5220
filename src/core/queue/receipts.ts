import { wallMillis } from '#base/brand.ts'
import { unreachable } from '#base/assert.ts'
import { shareOf } from './entry-check.ts'
import type { RecordNumber } from './records.ts'
import { leased, moving, none, scheduled, settledFlag, toSource } from './records.ts'
import type { Partition, QueueState, Step } from './state.ts'
import { extendLease, giveBack, kill, postpone, revive, settle, settleUnderLease } from './transitions.ts'
import type { Ack, Extend, ItemResult, MessageId, Nack, NackKind, QueueAnswer, Receipt, RetryPolicy } from './types.ts'

/** What consumers and movers say about single messages. Each is answered by itself. */

export const ack = (step: Step, { receipts }: Ack): QueueAnswer => results(receipts.map((receipt) => ackOne(step, receipt)))

export const nack = (step: Step, { receipts, kind }: Nack): QueueAnswer =>
  results(receipts.map((receipt) => withNewest(step, receipt, (record) => giveUp(step, record, kind))))

export function extend(step: Step, { receipts, visibilityMs }: Extend): QueueAnswer {
  const extendOne = (record: RecordNumber): ItemResult => {
    if (visibilityMs === 0) return release(step, record, 0)
    extendLease(step, record, visibilityMs)
    return 'extended'
  }
  const visibleUntil = wallMillis(step.context.wall + visibilityMs)
  return { type: 'results', results: receipts.map((receipt) => withNewest(step, receipt, extendOne)), visibleUntil }
}

export function cancel(step: Step, ids: readonly MessageId[]): QueueAnswer {
  return results(
    ids.map((id) => {
      const found = find(step.state, id)
      if (found === null) return isUntouched(step.state, id) ? 'not_scheduled' : 'unknown_message'
      const { records } = step.state
      if (records.state[found] !== scheduled || records.lease[found] !== 0) return 'not_scheduled'
      step.count(step.state.partitionOf(found), 'dropped')
      settle(step, found)
      return 'cancelled'
    }),
  )
}

export const forwarded = (step: Step, ids: readonly MessageId[]): QueueAnswer =>
  results(
    ids.map((id) =>
      withMoving(step, id, (record) => {
        step.count(step.state.partitionOf(record), 'forwarded')
        settle(step, record)
        return 'forwarded'
      }),
    ),
  )

export const postponeAll = (step: Step, ids: readonly MessageId[], delayMs: number): QueueAnswer =>
  results(
    ids.map((id) =>
      withMoving(step, id, (record) => {
        postpone(step, record, delayMs)
        return 'postponed'
      }),
    ),
  )

export const returnAll = (step: Step, ids: readonly MessageId[]): QueueAnswer =>
  results(
    ids.map((id) =>
      withMoving(step, id, (record) => {
        if (!step.state.records.isFlagged(record, toSource)) return 'not_moving'
        revive(step, record)
        return 'returned'
      }),
    ),
  )

/** A lease that ended without a word: one that is settled is over with it, others may have failed. */
export function endLease(step: Step, record: RecordNumber, isFailure: boolean): void {
  const { state } = step
  if (state.records.isFlagged(record, settledFlag)) return settle(step, record)
  if (isFailure && failOnce(step, record)) return undefined
  step.count(state.partitionOf(record), 'returned')
  return giveBack(step, record, 0)
}

const results = (each: readonly ItemResult[]): QueueAnswer => ({ type: 'results', results: each, visibleUntil: null })

/** Null also for a message that nothing is known of but its place. */
function find(state: QueueState, { slot, index, offset, check }: MessageId): RecordNumber | null {
  if (slot !== state.identity.slot) return null
  const record = state.records.find(index, offset)
  if (record === none) return null
  const { ledger } = state.partitionOf(record)
  return ledger.seek(index, offset) && ledger.check === check ? record : null
}

function isUntouched(state: QueueState, { slot, index, offset, check }: MessageId): boolean {
  if (slot !== state.identity.slot) return false
  for (const { ledger } of state.partitions()) {
    const { span } = ledger
    if (span === null || index < span.from || index > span.to || !ledger.seek(index, offset)) continue
    return ledger.check === check && ledger.isUntouched(offset)
  }
  return false
}

/**
 * Whoever acks has done the work, so the message is settled, whichever lease it was. But only a lease that is known to be the newest one gives
 * its key and its place in flight free with it; another may be at work (decision Q7).
 */
function ackOne(step: Step, { id, lease }: Receipt): ItemResult {
  const { state } = step
  const { records } = state
  const record = find(state, id)
  if (record === null) return isUntouched(state, id) ? 'not_delivered' : 'unknown_message'
  const newest = records.lease[record] as number
  if (newest === 0) return 'not_delivered'
  if (lease !== null && lease !== newest) return 'stale_receipt'
  const isSettled = records.isFlagged(record, settledFlag)
  if (!isSettled) step.count(state.partitionOf(record), 'acknowledged')
  if (records.state[record] !== leased || lease === newest || newest === 1) settle(step, record)
  else if (!isSettled) settleUnderLease(step, record)
  return 'acknowledged'
}

/** Only the newest lease, and only while it lasts. Without a receipt that can be told only of the first. */
function withNewest(step: Step, { id, lease }: Receipt, act: (record: RecordNumber) => ItemResult): ItemResult {
  const { records } = step.state
  const record = find(step.state, id)
  if (record === null) return isUntouched(step.state, id) ? 'not_delivered' : 'unknown_message'
  const newest = records.lease[record] as number
  if (newest === 0) return 'not_delivered'
  return records.state[record] === leased && (lease ?? 1) === newest ? act(record) : 'stale_receipt'
}

function withMoving(step: Step, id: MessageId, act: (record: RecordNumber) => ItemResult): ItemResult {
  const record = find(step.state, id)
  if (record === null) return isUntouched(step.state, id) ? 'not_moving' : 'unknown_message'
  return step.state.records.state[record] === moving ? act(record) : 'not_moving'
}

function giveUp(step: Step, record: RecordNumber, kind: NackKind): ItemResult {
  if (step.state.records.isFlagged(record, settledFlag)) return release(step, record, 0)
  switch (kind.type) {
    case 'release':
      return release(step, record, kind.delayMs)
    case 'fail':
      return fail(step, record, kind.delayMs)
    case 'reject':
      kill(step, record, 'rejected')
      return 'dead'
    default:
      return unreachable(kind)
  }
}

/** One that is settled is over now. */
function release(step: Step, record: RecordNumber, delayMs: number): ItemResult {
  const { state } = step
  if (state.records.isFlagged(record, settledFlag)) {
    settle(step, record)
    return 'acknowledged'
  }
  step.count(state.partitionOf(record), 'returned')
  giveBack(step, record, delayMs)
  return 'returned'
}

function fail(step: Step, record: RecordNumber, delayMs: number | null): ItemResult {
  const partition = step.state.partitionOf(record)
  if (failOnce(step, record)) return 'dead'
  step.count(partition, 'returned')
  giveBack(step, record, delayMs ?? retryDelayOf(step.state, partition, record))
  return 'returned'
}

/** True when that was once too often. */
function failOnce(step: Step, record: RecordNumber): boolean {
  const { records } = step.state
  const partition = step.state.partitionOf(record)
  const { maxFailures } = partition.queue.definition.settings
  const failed = Math.min((records.failed[record] as number) + 1, failedMax)
  records.failed[record] = failed
  step.count(partition, 'failed')
  if (maxFailures === 0 || failed < maxFailures) return false
  kill(step, record, 'failures')
  return true
}

const failedMax = 0xffff

function retryDelayOf({ records }: QueueState, { queue }: Partition, record: RecordNumber): number {
  const failed = records.failed[record] as number
  const share = shareOf(records.indexOf(record), records.offset[record] as number, failed)
  return retryDelay(queue.definition.settings.retry, failed, share)
}

/** In whole milliseconds; `share` is in [0, 1). */
export function retryDelay({ growth, delayMs, maxMs, jitterPercent }: RetryPolicy, failed: number, share: number): number {
  const grown = growth === 'fixed' ? delayMs : Math.min(delayMs * 2 ** Math.min(failed - 1, 40), maxMs)
  return Math.round(grown * (1 - (share * jitterPercent) / 100))
}
