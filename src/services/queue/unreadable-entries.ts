import { queueServiceLimits as limits } from './limits.ts'

/**
 * Entries of the log whose messages could not be read when they were to be delivered, and what is done with those. Mostly that is over in a
 * moment, so at first they keep their place and the partition waits for them. An entry that goes on like that, because its bytes are damaged wherever they
 * are, steps aside: its messages come again later and later, and what is behind them is delivered meanwhile.
 */
export class UnreadableEntries {
  /** How often in a row; least recently tried first. */
  readonly #failures = new Map<string, number>()

  /** One more time in vain: how often that was so, and for how long its messages are out of the way. */
  failed(group: number, index: number): { readonly failures: number; readonly asideMs: number } {
    const key = keyOf(group, index)
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.delete(key)
    this.#failures.set(key, failures)
    if (this.#failures.size > limits.unreadableRemembered) this.#forgetOldest()
    const late = failures - limits.unreadableAttempts
    return { failures, asideMs: late < 0 ? 0 : Math.min(limits.unreadableAsideMs * 2 ** late, limits.unreadableAsideMsMax) }
  }

  read(group: number, index: number): void {
    if (this.#failures.size > 0) this.#failures.delete(keyOf(group, index))
  }

  #forgetOldest(): void {
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest)
      return
    }
  }
}

const keyOf = (group: number, index: number): string => `${group}/${index}`
