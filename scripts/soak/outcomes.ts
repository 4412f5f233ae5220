import { LockstepError } from '#index.ts'

/** What became of operations, by the code of their errors. */
export interface Counts {
  readonly done: number
  /** Refused early and certainly not carried out, as an overloaded service may. */
  readonly shed: Readonly<Record<string, number>>
  /** Whatever else went wrong: none of these may be. */
  readonly wrong: Readonly<Record<string, number>>
}

export class Outcomes {
  #done = 0
  readonly #shed = new Map<string, number>()
  readonly #wrong = new Map<string, number>()

  succeeded(): void {
    this.#done++
  }

  failed(error: unknown): void {
    const code = codeOf(error)
    const last = code === 'timeout' ? lastOf(error) : code
    const counts = shedding.has(last) ? this.#shed : this.#wrong
    const name = last === code ? code : `${code} after ${last}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }

  get counts(): Counts {
    return { done: this.#done, shed: Object.fromEntries(this.#shed), wrong: Object.fromEntries(this.#wrong) }
  }
}

/** 429 and 503, and the same in the words of the library. */
const shedding: ReadonlySet<string> = new Set(['429', '503', 'overloaded', 'too_many_operations', 'unavailable', 'no_leader', 'stopping'])

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : String(error))

/** The library asks again when it is refused, and what it was told last is in the details when there is no time left for that. */
const lastOf = (error: unknown): string => (error instanceof LockstepError ? (error.details['last'] ?? '') : '')

export const countsLine = (counts: Counts['shed']): string => {
  const told = Object.entries(counts).map(([code, count]) => `${code} ${count}`)
  return told.length === 0 ? 'none' : told.join(', ')
}

export const shedOf = ({ shed }: Counts): number => Object.values(shed).reduce((sum, count) => sum + count, 0)
