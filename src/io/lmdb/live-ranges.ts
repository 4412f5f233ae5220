import { assert } from '#base/assert.ts'
import type { LogIndex } from '#core/raft/types.ts'

/** Ascending indexes as ranges: what stays of a log when it is compacted. Asked in ascending order, so one pass in all. */
export class LiveRanges {
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  #at = 0

  /** Takes the indexes up to `upTo`. */
  constructor(indexes: Iterable<LogIndex>, upTo: LogIndex) {
    let last = -1
    for (const index of indexes) {
      assert(index > last, 'live indexes ascend')
      if (index > upTo) break
      if (this.#ends.length > 0 && index === last + 1) this.#ends[this.#ends.length - 1] = index
      else {
        this.#starts.push(index)
        this.#ends.push(index)
      }
      last = index
    }
  }

  /** How much of [first, last] is live. `first` never goes back from one call to the next. */
  share(first: number, last: number): 'none' | 'some' | 'all' {
    this.#skipTo(first)
    const start = this.#starts[this.#at]
    if (start === undefined || start > last) return 'none'
    return start <= first && (this.#ends[this.#at] ?? 0) >= last ? 'all' : 'some'
  }

  has(index: LogIndex): boolean {
    return this.share(index, index) === 'all'
  }

  #skipTo(index: number): void {
    while (this.#at < this.#ends.length && (this.#ends[this.#at] ?? 0) < index) this.#at++
  }
}
