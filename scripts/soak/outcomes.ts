/** What became of the operations of one kind. */
export class Outcomes {
  done = 0
  /** Refused, or not answered in time, as an overloaded service may. */
  readonly shed = new Map<string, number>()
  /** Whatever else went wrong: none of these may be. */
  readonly wrong = new Map<string, number>()

  failed(code: string): void {
    const counts = isShedding(code) ? this.shed : this.wrong
    counts.set(code, (counts.get(code) ?? 0) + 1)
  }
}

/** 429 and 503; a deadline, whoever kept it: the service (504, 408), the library, or the client of HTTP; and a lease that was not renewed in time. */
const shedding: ReadonlySet<string> = new Set([
  '429',
  '503',
  '504',
  '408',
  'deadline',
  'overloaded',
  'unavailable',
  'no_leader',
  'stopping',
  'unknown',
  'timeout',
  'lock_timeout',
  'lease_expired',
  'too_many_operations',
])

const isShedding = (code: string): boolean => shedding.has(code)

export const countsLine = (counts: ReadonlyMap<string, number>): string =>
  counts.size === 0 ? 'none' : [...counts].map(([code, count]) => `${code} ${count}`).join(', ')
