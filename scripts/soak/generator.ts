import type { Kind } from './kinds.ts'
import { Outcomes } from './outcomes.ts'

interface Paced {
  readonly outcomes: Outcomes
  readonly begun: number
  /** How many should have been begun. */
  readonly meant: number
  readonly openMax: number
}

/** Runs operations of one kind: as fast as so many at a time go, or at a pace that asks nobody whether it can be kept. */
export class Generator {
  readonly kind: Kind
  #next = 0

  constructor(kind: Kind) {
    this.kind = kind
  }

  /** So many at a time for so long: how many a second that makes. */
  async capacity(atOnce: number, forMs: number): Promise<number> {
    const outcomes = new Outcomes()
    const startedAt = performance.now()
    const one = async (): Promise<void> => {
      while (performance.now() - startedAt < forMs) await this.#run(outcomes)
    }
    await Promise.all(Array.from({ length: atOnce }, one))
    return (outcomes.done * 1_000) / (performance.now() - startedAt)
  }

  /** Begins operations at that pace, whatever becomes of them, until `isOver`; resolves when the last of them has ended. */
  async pace(perSecond: number, isOver: () => boolean): Promise<Paced> {
    const outcomes = new Outcomes()
    const open = new Set<Promise<void>>()
    const startedAt = performance.now()
    let [begun, openMax, owed, last] = [0, 0, 0, startedAt]
    while (!isOver()) {
      const now = performance.now()
      // What this process was itself too late for is not made up for: that would be a burst, and no pace.
      owed = Math.min(perSecond, owed + ((now - last) / 1_000) * perSecond)
      last = now
      for (; owed >= 1; owed--) {
        begun++
        const running: Promise<void> = this.#run(outcomes).finally(() => open.delete(running))
        open.add(running)
      }
      openMax = Math.max(openMax, open.size)
      await new Promise((resolve) => {
        setTimeout(resolve, 10)
      })
    }
    const meant = ((performance.now() - startedAt) / 1_000) * perSecond
    await Promise.all(open)
    return { outcomes, begun, meant, openMax }
  }

  /** How long one operation takes; null when it fails. */
  async probe(): Promise<number | null> {
    const outcomes = new Outcomes()
    const startedAt = performance.now()
    await this.#run(outcomes)
    return outcomes.done === 1 ? performance.now() - startedAt : null
  }

  async #run(outcomes: Outcomes): Promise<void> {
    try {
      await this.kind.run(this.#next++)
      outcomes.done++
    } catch (error) {
      outcomes.failed(error instanceof Error && 'code' in error ? String(error.code) : String(error))
    }
  }
}
