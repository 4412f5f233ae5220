import { faultKinds } from './options.ts'
import type { RunReport } from './run.ts'

/** Adds up what happened in many runs. */
export class Summary {
  readonly #startedAt = performance.now()
  readonly #totals = new Map<string, number>()
  readonly #faults = new Map<string, number>(faultKinds.map((kind) => [kind, 0]))
  #runs = 0
  #counted = 0
  #failed = 0

  add(report: RunReport): void {
    this.#runs++
    if (report.violation !== null) this.#failed++
    else if (report.counts) this.#counted++
    for (const [name, value] of Object.entries(report.totals)) this.#totals.set(name, (this.#totals.get(name) ?? 0) + value)
    for (const [kind, times] of report.faults) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + times)
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

  /** Kinds of faults that no run had, once there were enough runs for all of them. */
  get missing(): readonly string[] {
    return this.#runs < 50 ? [] : [...this.#faults].filter(([, times]) => times === 0).map(([kind]) => kind)
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
      ...missing,
    ].join('\n')
  }
}
