import { setTimeout as rest } from 'node:timers/promises'
import type { Generator } from './generator.ts'
import { Outcomes } from './outcomes.ts'
import type { Counts } from './outcomes.ts'

/** Of all operations since the beginning. */
export interface Paced {
  readonly begun: number
  /** How many should have been begun. */
  readonly meant: number
  readonly openMax: number
  readonly counts: Counts
}

const turnMs = 10
/** What this process was itself too late for is made up for up to so long: more would be a burst, and no pace. */
const lateMsMax = 100

/** Operations that are begun at a pace which asks nobody whether it can be kept. */
export class Pace {
  readonly #generator: Generator
  #outcomes = new Outcomes()
  readonly #open = new Set<Promise<unknown>>()
  #begun = 0
  #meant = 0
  #openMax = 0

  constructor(generator: Generator) {
    this.#generator = generator
  }

  /** Begins so many in a second, for so long. */
  async hold(perSecond: number, forMs: number): Promise<Paced> {
    // When something went wrong is told from here on.
    if (this.#begun === 0) this.#outcomes = new Outcomes()
    const startedAt = performance.now()
    let [owed, last] = [0, startedAt]
    while (performance.now() - startedAt < forMs) {
      const now = performance.now()
      owed += (Math.min(lateMsMax, now - last) / 1_000) * perSecond
      last = now
      for (; owed >= 1; owed--) this.#begin()
      this.#openMax = Math.max(this.#openMax, this.#open.size)
      await rest(turnMs)
    }
    this.#meant += ((performance.now() - startedAt) / 1_000) * perSecond
    return this.#paced
  }

  /** When the last of all that were begun has ended. */
  async settled(): Promise<Paced> {
    await Promise.all(this.#open)
    return this.#paced
  }

  #begin(): void {
    this.#begun++
    const running: Promise<unknown> = this.#generator.run(this.#outcomes).finally(() => this.#open.delete(running))
    this.#open.add(running)
  }

  get #paced(): Paced {
    return { begun: this.#begun, meant: this.#meant, openMax: this.#openMax, counts: this.#outcomes.counts }
  }
}
