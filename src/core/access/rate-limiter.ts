interface RateLimit {
  /** In the long run. */
  readonly perSecond: number
  /** At once, after a rest. */
  readonly burst: number
  /** How many callers are told apart; twice as many are remembered. */
  readonly keysMax: number
}

/**
 * How much each caller may ask for (the generic cell rate algorithm). Of each only one number is kept: when it will have used up nothing of
 * its burst. Who has not asked for so long that all of it is there again need not be remembered, so the oldest half is forgotten at once.
 */
export class RateLimiter {
  readonly #keysMax: number
  readonly #intervalMs: number
  /** How far that time may be ahead. */
  readonly #toleranceMs: number
  #recent = new Map<string, number>()
  #older = new Map<string, number>()

  constructor({ perSecond, burst, keysMax }: RateLimit) {
    this.#keysMax = keysMax
    this.#intervalMs = 1_000 / perSecond
    this.#toleranceMs = (burst - 1) * this.#intervalMs
  }

  /** 0 when the call may go on; else after how many milliseconds it may be made again, and nothing is counted. */
  take(key: string, now: number): number {
    const restedAt = Math.max(now, this.#recent.get(key) ?? this.#older.get(key) ?? now)
    const early = restedAt - now - this.#toleranceMs
    if (early > 0) return early
    this.#remember(key, restedAt + this.#intervalMs)
    return 0
  }

  #remember(key: string, restedAt: number): void {
    if (this.#recent.size >= this.#keysMax && !this.#recent.has(key)) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(key, restedAt)
  }
}
