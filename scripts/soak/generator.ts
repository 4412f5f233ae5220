import { setTimeout as rest } from 'node:timers/promises'
import type { Operation } from './kinds.ts'
import { Outcomes } from './outcomes.ts'
import type { Counts } from './outcomes.ts'

export interface Measured {
  readonly perSecond: number
  readonly counts: Counts
}

/** Who is refused does not ask again at once. */
const refusedRestMs = 10

let next = 0

/** Runs operations of one kind, each another one. */
export class Generator {
  readonly #operation: Operation

  constructor(operation: Operation) {
    this.#operation = operation
  }

  /** So many at a time for so long, as fast as they go. */
  async measure(atOnce: number, forMs: number): Promise<Measured> {
    const outcomes = new Outcomes()
    const startedAt = performance.now()
    const one = async (): Promise<void> => {
      while (performance.now() - startedAt < forMs) if (!(await this.run(outcomes))) await rest(refusedRestMs)
    }
    await Promise.all(Array.from({ length: atOnce }, one))
    const { counts } = outcomes
    return { perSecond: (counts.done * 1_000) / (performance.now() - startedAt), counts }
  }

  /** How long one operation takes; null when it fails. */
  async probe(): Promise<number | null> {
    const startedAt = performance.now()
    const isDone = await this.run(new Outcomes())
    return isDone ? performance.now() - startedAt : null
  }

  /** One operation; false when it failed. */
  async run(outcomes: Outcomes): Promise<boolean> {
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
