import type { Millis } from '#base/brand.ts'
import { OpenNumbers } from '#base/open-numbers.ts'
import { runtimeLimits } from './limits.ts'

/** One identity under which a node has commands carried out in a group: numbers them, and knows which answers it has seen. */
export class Origin {
  readonly id: number
  readonly #openedAt: Millis
  readonly #numbers = new OpenNumbers()

  constructor(id: number, now: Millis) {
    this.id = id
    this.#openedAt = now
  }

  /** An origin is used for less time than the group remembers an idle one. */
  fresh(now: Millis): boolean {
    return now - this.#openedAt < runtimeLimits.originUseMs
  }

  begin(): number {
    return this.#numbers.begin()
  }

  end(sequence: number): void {
    this.#numbers.end(sequence)
  }

  get confirmed(): number {
    return this.#numbers.confirmed
  }
}
