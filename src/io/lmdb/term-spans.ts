import { assert } from '#base/assert.ts'
import type { LogIndex, Term } from '#core/raft/types.ts'
import type { Point } from './state-records.ts'

/** Which term each index of a log has, as the places where the term changes: a handful, however long the log. */
export class TermSpans {
  /** Invariant: ascending in index and in term, never empty; the first is the base of the log. */
  #starts: Point[]

  constructor(base: Point) {
    this.#starts = [base]
  }

  append(index: LogIndex, term: Term): void {
    const { term: current } = this.#starts.at(-1) as Point
    assert(term >= current, 'terms do not go back along a log')
    if (term !== current) this.#starts.push({ index, term })
  }

  truncate(from: LogIndex): void {
    while (this.#starts.length > 1 && (this.#starts.at(-1) as Point).index >= from) this.#starts.pop()
  }

  /** Forgets everything before the base. */
  rebase(base: Point): void {
    this.#starts = [base, ...this.#starts.filter(({ index }) => index > base.index)]
  }

  at(index: LogIndex): Term {
    const start = this.#starts.findLast((candidate) => candidate.index <= index)
    assert(start !== undefined, 'the index is at or after the base')
    return start.term
  }
}
