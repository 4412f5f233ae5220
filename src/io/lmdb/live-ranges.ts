import type { LogIndex, LogRange } from '#core/raft/types.ts'
import { logIndex } from '#core/raft/types.ts'

/** Ascending ranges of what stays of a log when it is compacted. Asked in ascending order, so one pass in all. */
export class LiveRanges {
  readonly #ranges: readonly LogRange[]
  #at = 0

  constructor(ranges: readonly LogRange[]) {
    this.#ranges = ranges
  }

  /** How much of [first, last] is live. `first` never goes back from one call to the next. */
  share(first: number, last: number): 'none' | 'some' | 'all' {
    this.#skipTo(first)
    const range = this.#ranges[this.#at]
    if (range === undefined || range.from > last) return 'none'
    return range.from <= first && range.to >= last ? 'all' : 'some'
  }

  has(index: LogIndex): boolean {
    return this.share(index, index) === 'all'
  }

  /** Those that nothing before was asked about. */
  rest(): readonly LogRange[] {
    return this.#ranges.slice(this.#at)
  }

  #skipTo(index: number): void {
    for (let range = this.#ranges[this.#at]; range !== undefined && range.to < index; range = this.#ranges[this.#at]) this.#at++
  }
}

/** What of these lies within; all ascending. */
export function clipped(ranges: readonly LogRange[], { from, to }: LogRange): LogRange[] {
  const within = ranges.filter((range) => range.to >= from && range.from <= to)
  return within.map((range) => ({ from: logIndex(Math.max(range.from, from)), to: logIndex(Math.min(range.to, to)) }))
}

/** What of `ranges` is in none of `others`; all ascending. */
export function without(ranges: readonly LogRange[], others: readonly LogRange[]): LogRange[] {
  const left: LogRange[] = []
  let at = 0
  for (const { from, to } of ranges) {
    let next = from
    while ((others[at]?.to ?? Number.POSITIVE_INFINITY) < from) at++
    for (let place = at; place < others.length; place++) {
      const other = others[place] as LogRange
      if (other.from > to) break
      if (other.from > next) left.push({ from: next, to: logIndex(other.from - 1) })
      next = logIndex(other.to + 1)
    }
    if (next <= to) left.push({ from: next, to })
  }
  return left
}
