import type { Millis } from '#base/brand.ts'
import type { LogIndex } from '#core/raft/types.ts'

/** How long a round of consensus takes, from the leader's append until the entry is applied. One at a time is measured, which costs nothing. */
export class RoundTimer {
  #open: { readonly index: LogIndex; readonly since: Millis } | null = null

  began(index: LogIndex, now: Millis): void {
    this.#open ??= { index, since: now }
  }

  /** In milliseconds; null unless this entry is the one that is measured. */
  applied(index: LogIndex, now: () => Millis): number | null {
    if (this.#open === null || index < this.#open.index) return null
    const { since } = this.#open
    const isIt = index === this.#open.index
    this.#open = null
    return isIt ? now() - since : null
  }

  /** Leadership is lost. */
  abandon(): void {
    this.#open = null
  }
}
