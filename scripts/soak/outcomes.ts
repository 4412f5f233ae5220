/** What became of the operations of one kind. */
export class Outcomes {
  done = 0
  /** Refused early and certainly not carried out, as an overloaded service may. */
  readonly shed = new Map<string, number>()
  /** Whatever else went wrong: none of these may be. */
  readonly wrong = new Map<string, number>()

  failed(code: string): void {
    const counts = isShedding(code) ? this.shed : this.wrong
    counts.set(code, (counts.get(code) ?? 0) + 1)
  }
}

/** 429 and 503, and the same in the words of the library. */
const shedding: ReadonlySet<string> = new Set(['429', '503', 'overloaded', 'too_many_operations', 'unavailable', 'no_leader', 'stopping'])

const isShedding = (code: string): boolean => shedding.has(code)

export const countsLine = (counts: ReadonlyMap<string, number>): string =>
  counts.size === 0 ? 'none' : [...counts].map(([code, count]) => `${code} ${count}`).join(', ')
