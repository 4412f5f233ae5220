import { LockstepError } from '#index.ts'

/** What became of operations, by the code of their errors. */
export interface Counts {
  readonly done: number
  /** Refused early and certainly not carried out, as an overloaded service may. */
  readonly shed: Readonly<Record<string, number>>
  /** Whatever else went wrong: none of these may be. */
  readonly wrong: Readonly<Record<string, Wrong>>
}

interface Wrong {
  readonly count: number
  /** When they ended, in milliseconds from the beginning. */
  readonly firstMs: number
  readonly lastMs: number
}

export class Outcomes {
  #done = 0
  readonly #shed = new Map<string, number>()
  readonly #wrong = new Map<string, Wrong>()
  readonly #startedAt = performance.now()

  succeeded(): void {
    this.#done++
  }

  failed(error: unknown): void {
    const code = codeOf(error)
    const last = code === 'timeout' ? lastOf(error) : code
    const name = last === code ? code : `${code} after ${last}`
    if (shedding.has(last)) this.#shed.set(name, (this.#shed.get(name) ?? 0) + 1)
    else this.#wentWrong(name)
  }

  get counts(): Counts {
    return { done: this.#done, shed: Object.fromEntries(this.#shed), wrong: Object.fromEntries(this.#wrong) }
  }

  #wentWrong(name: string): void {
    const lastMs = performance.now() - this.#startedAt
    const { count, firstMs } = this.#wrong.get(name) ?? { count: 0, firstMs: lastMs }
    this.#wrong.set(name, { count: count + 1, firstMs, lastMs })
  }
}

/** 429 and 503, and the same in the words of the library. */
const shedding: ReadonlySet<string> = new Set(['429', '503', 'overloaded', 'too_many_operations', 'unavailable', 'no_leader', 'stopping'])

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : String(error))

/** The library asks again when it is refused, and what it was told last is in the details when there is no time left for that. */
const lastOf = (error: unknown): string => (error instanceof LockstepError ? (error.details['last'] ?? '') : '')

export const shedLine = (shed: Counts['shed']): string => lineOf(Object.entries(shed).map(([code, count]) => `${code} ${count}`))

export const wrongLine = (wrong: Counts['wrong']): string =>
  lineOf(
    Object.entries(wrong).map(
      ([code, { count, firstMs, lastMs }]) => `${code} ${count} from ${secondsOf(firstMs)} to ${secondsOf(lastMs)}`,
    ),
  )

const lineOf = (told: readonly string[]): string => (told.length === 0 ? 'none' : told.join(', '))

const secondsOf = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

export const shedOf = ({ shed }: Counts): number => Object.values(shed).reduce((sum, count) => sum + count, 0)
