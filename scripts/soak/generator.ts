import { setTimeout as rest } from 'node:timers/promises'
import type { Operation } from './kinds.ts'
import { Outcomes } from './outcomes.ts'
import type { Counts } from './outcomes.ts'

export interface Measured {
  readonly perSecond: number
  readonly counts: Counts
}

export interface Paced {
  readonly begun: number
  /** How many should have been begun. */
  readonly meant: number
  readonly openMax: number
  readonly counts: Counts
}

const turnMs = 10
/** Who is refused does not ask again at once. */
const refusedRestMs = 10
/** What this process was itself too late for is made up for up to so long: more would be a burst, and no pace. */
const lateMsMax = 100

let next = 0

/** Runs operations of one kind: as fast as so many at a time go, or at a pace that asks nobody whether it can be kept. */
export class Generator {
  readonly #operation: Operation

  constructor(operation: Operation) {
    this.#operation = operation
  }

  /** So many at a time for so long. */
  async measure(atOnce: number, forMs: number): Promise<Measured> {
    const outcomes = new Outcomes()
    const startedAt = performance.now()
    const one = async (): Promise<void> => {
      while (performance.now() - startedAt < forMs) if (!(await this.#run(outcomes))) await rest(refusedRestMs)
    }
    await Promise.all(Array.from({ length: atOnce }, one))
    const { counts } = outcomes
    return { perSecond: (counts.done * 1_000) / (performance.now() - startedAt), counts }
  }

  /** Begins operations at that pace, whatever becomes of them; resolves when the last of them has ended. */
  async pace(perSecond: number, forMs: number): Promise<Paced> {
    const outcomes = new Outcomes()
    const open = new Set<Promise<unknown>>()
    const startedAt = performance.now()
    let [begun, openMax, owed, last] = [0, 0, 0, startedAt]
    while (performance.now() - startedAt < forMs) {
      const now = performance.now()
      owed += (Math.min(lateMsMax, now - last) / 1_000) * perSecond
      last = now
      for (; owed >= 1; owed--) {
        begun++
        const running: Promise<unknown> = this.#run(outcomes).finally(() => open.delete(running))
        open.add(running)
      }
      openMax = Math.max(openMax, open.size)
      await rest(turnMs)
    }
    const meant = ((performance.now() - startedAt) / 1_000) * perSecond
    await Promise.all(open)
    return { begun, meant, openMax, counts: outcomes.counts }
  }

  /** How long one operation takes; null when it fails. */
  async probe(): Promise<number | null> {
    const startedAt = performance.now()
    const isDone = await this.#run(new Outcomes())
    return isDone ? performance.now() - startedAt : null
  }

  async #run(outcomes: Outcomes): Promise<boolean> {
    try {
      await this.#operation(next++)
      outcomes.succeeded()
      return true
    } catch (error) {
      outcomes.failed(error)
      return false
    }
  }
}
