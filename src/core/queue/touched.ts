import type { BatchRow } from './ledger-segment.ts'
import type { RecordNumber } from './records.ts'
import { none } from './records.ts'
import type { QueueState } from './state.ts'

/** The records of one batch's messages, ascending. */
export function* touchedOf({ records }: QueueState, { index, start, unsettled, from, count }: BatchRow): IterableIterator<RecordNumber> {
  let left = unsettled - count
  for (let offset = start; left > 0; offset++) {
    if (count > 0 && offset === from) offset += count
    const record = records.find(index, offset)
    if (record === none) continue
    left--
    yield record
  }
}
