import type { Millis } from './brand.ts'

/** Keeps a log readable when one kind of event comes without end: so many of them are told in a while, and of the others how many there were. */
export class Ration {
  readonly #max: number
  readonly #perMs: number
  #since: Millis | null = null
  #told = 0
  #untold = 0

  constructor(max: number, perMs: number) {
    this.#max = max
    this.#perMs = perMs
  }

  /** How many were not told since the last one that was; null when this one is not told either. */
  take(now: Millis): number | null {
    if (this.#since === null || now - this.#since >= this.#perMs) {
      this.#since = now
      this.#told = 0
    }
    if (this.#told >= this.#max) {
      this.#untold++
      return null
    }
    this.#told++
    const untold = this.#untold
    this.#untold = 0
    return untold
  }
}
