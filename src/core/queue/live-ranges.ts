import { Heap } from '#base/heap.ts'
import type { QueueState } from './state.ts'
import type { IndexRange } from './types.ts'

interface Source {
  index: number
  readonly rest: IterableIterator<number>
}

/**
 * Entries within these bounds that have a message which is not settled: ascending, as few ranges as they can be. Costs what is in the bounds, and
 * a search in each partition. The state must stay as it is until the last is taken.
 */
export function* liveRanges(state: QueueState, { from, to }: IndexRange): IterableIterator<IndexRange> {
  let range: { from: number; to: number } | null = null
  for (const index of liveIndexes(state, from)) {
    if (index > to) break
    if (range !== null && index <= range.to + 1) range.to = index
    else {
      if (range !== null) yield range
      range = { from: index, to: index }
    }
  }
  if (range !== null) yield range
}

/** Ascending, from this entry on; each as often as it has batches that are not settled. */
export function* liveIndexes(state: QueueState, from: number): IterableIterator<number> {
  const heap = new Heap<Source>((left, right) => left.index < right.index)
  for (const { ledger } of state.partitions()) take(heap, ledger.indexes(from))
  for (let source = heap.pop(); source !== undefined; source = heap.pop()) {
    yield source.index
    take(heap, source.rest)
  }
}

function take(heap: Heap<Source>, rest: IterableIterator<number>): void {
  const next = rest.next()
  if (next.done !== true) heap.push({ index: next.value, rest })
}
