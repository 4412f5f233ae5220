import type { RecordNumber } from './records.ts'
import { none } from './records.ts'
import type { Partition, QueueState, Step } from './state.ts'
import { beginRecord } from './transitions.ts'

/** A message that could be delivered now: one with a record, or the first of the untouched. */
export interface Head {
  /** -1 for an untouched one. */
  readonly record: RecordNumber
}

const untouched: Head = { record: none }

/**
 * The first deliverable message of the highest priority, or of the lowest: untouched ones have the lowest of all and mix with the others in
 * the order of the log. For an untouched one its row in the ledger has been sought.
 */
export function firstDeliverable({ records }: QueueState, { ledger, deliverable }: Partition, end: 'highest' | 'lowest'): Head | null {
  const record = deliverable.peek(end)
  const offset = ledger.seekHead()
  if (record === none) return offset === null ? null : untouched
  if (offset === null) return { record }
  if ((records.priority[record] as number) > 0) return end === 'highest' ? { record } : untouched
  const index = records.indexOf(record)
  const isFirst = index === ledger.index ? (records.offset[record] as number) < offset : index < ledger.index
  return isFirst ? { record } : untouched
}

/** Gives the untouched head a record. */
export function touchHead(step: Step, partition: Partition): RecordNumber {
  const { ledger } = partition
  const offset = ledger.seekHead() ?? 0
  const index = ledger.index
  ledger.takeHead()
  return beginRecord(step, partition, { index, offset })
}

export function settleHead({ state }: Step, { ledger }: Partition): void {
  ledger.seekHead()
  const { index } = ledger
  ledger.takeHead()
  if (ledger.settle()) state.forgetBatch(index)
}
