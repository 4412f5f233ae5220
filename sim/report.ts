import { faultKinds } from './options.ts'
import type { Turnover } from './options.ts'
import type { RunReport } from './run.ts'
import { services } from './services.ts'
import type { ServiceName } from './services.ts'

/** By then every kind of fault and of action has been there. */
const runsForAll = 30

/** Virtual time, below which no run counts. */
export const minutesThatCount = 5

interface Happened {
  readonly minutes: number
  readonly slots: number
  readonly answered: number
  readonly elections: number
  readonly turnover: Turnover
  readonly foundersGone: number
}

/** Whether enough happened for a run to prove something. The first election of each slot, and of the meta group, is no change of leader. */
export const doesCount = ({ minutes, slots, answered, elections, turnover, foundersGone }: Happened): boolean =>
  minutes >= minutesThatCount && answered >= 1_000 && elections - (slots + 1) >= 3 && (turnover === 'none' || foundersGone > 0)

/** Adds up what happened in many runs. */
export class Summary {
  readonly #startedAt = performance.now()
  readonly #totals = new Map<string, number>()
  readonly #faults: Map<string, number>
  readonly #actions = new Map<string, number>()
  #runs = 0
  #counted = 0
  #failed = 0

  constructor(service: ServiceName) {
    this.#faults = new Map([...faultKinds, ...services[service].terms.faults].map((kind) => [kind, 0]))
  }

  add(report: RunReport): void {
    this.#runs++
    if (report.violation !== null) this.#failed++
    else if (report.counts) this.#counted++
    addTo(this.#totals, Object.entries(report.totals))
    addTo(this.#faults, report.faults)
    addTo(this.#actions, report.actions)
  }

  get runs(): number {
    return this.#runs
  }
  get counted(): number {
    return this.#counted
  }
  get failed(): number {
    return this.#failed
  }

  /** So many runs have counted, or, where time was what ended them, half of all; one that failed has shown enough. */
  hasEnough(wanted: number | null): boolean {
    return this.#counted + this.#failed >= (wanted ?? this.#runs / 2)
  }

  /** Kinds of faults, and of what clients do, that no run had, once there were enough runs for all of them. */
  get missing(): readonly string[] {
    return this.#runs < runsForAll ? [] : [...this.#faults, ...this.#actions].filter(([, times]) => times === 0).map(([kind]) => kind)
  }

  get text(): string {
    const seconds = (performance.now() - this.#startedAt) / 1_000
    const list = (entries: Iterable<readonly [string, number]>): string =>
      [...entries].map(([name, value]) => `${name} ${value}`).join(', ')
    const missing = this.missing.length > 0 ? [`no run had: ${this.missing.join(', ')}`] : []
    return [
      `${this.#runs} runs in ${seconds.toFixed(1)} s (${(seconds / Math.max(1, this.#runs)).toFixed(2)} s each), ${this.#counted} count`,
      `totals: ${list(this.#totals)}`,
      `faults: ${list(this.#faults)}`,
      `actions: ${list(this.#actions)}`,
      ...missing,
    ].join('\n')
  }
}

function addTo(sums: Map<string, number>, values: Iterable<readonly [string, number]>): void {
  for (const [name, value] of values) sums.set(name, (sums.get(name) ?? 0) + value)
}
