import type { Millis } from '#base/brand.ts'
import { runtimeLimits } from './limits.ts'

/**
 * One identity under which a node has commands carried out in a group: numbers them, and knows which answers it has seen.
 * `confirmed` is the number before the oldest command that is still open, so it never covers an answer that may still be asked for.
 */
export class Origin {
  readonly id: number
  readonly #openedAt: Millis
  #next = 1
  readonly #open = new Set<number>()

  constructor(id: number, now: Millis) {
    this.id = id
    this.#openedAt = now
  }

  /** An origin is used for less time than the group remembers an idle one. */
  fresh(now: Millis): boolean {
    return now - this.#openedAt < runtimeLimits.originUseMs
  }

  begin(): number {
    const sequence = this.#next++
    this.#open.add(sequence)
    return sequence
  }

  end(sequence: number): void {
    this.#open.delete(sequence)
  }

  /** A `Set` keeps the order of insertion, so its first element is the oldest. */
  get confirmed(): number {
    for (const oldest of this.#open) return oldest - 1
    return this.#next - 1
  }
}
