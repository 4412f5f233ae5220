import { Deque } from '#base/deque.ts'
import type { Clock } from '#ports/clock.ts'
import { runtimeLimits } from './limits.ts'

/**
 * The node's one loop: what arrives is drained in order, then the turn is closed once for all of it. Batches form by themselves: the
 * more arrives, the more shares one message and one commit.
 */
export class Loop {
  readonly #clock: Clock
  readonly #endOfTurn: () => void
  readonly #inbox = new Deque<() => void>()
  #scheduled = false
  #stopped = false

  constructor(clock: Clock, endOfTurn: () => void) {
    this.#clock = clock
    this.#endOfTurn = endOfTurn
  }

  get overloaded(): boolean {
    return this.#inbox.length > runtimeLimits.inboxMax
  }

  post(task: () => void): void {
    if (this.#stopped) return
    this.#inbox.push(task)
    if (this.#scheduled) return
    this.#scheduled = true
    this.#clock.soon(() => {
      if (this.#scheduled) this.#turn()
    })
  }

  /** A turn here and now, for what is in time's hands: nothing needs to be posted for it. */
  turn(): void {
    if (!this.#stopped) this.#turn()
  }

  /** Nothing runs any more; a turn that is under way is not closed. */
  stop(): void {
    this.#stopped = true
    this.#inbox.clear()
  }

  /** What is posted during the turn belongs to the next one, so that a turn ends. */
  #turn(): void {
    this.#scheduled = false
    for (let left = this.#inbox.length; left > 0; left--) {
      const task = this.#inbox.shift()
      if (task === undefined) return
      task()
    }
    if (!this.#stopped) this.#endOfTurn()
  }
}
