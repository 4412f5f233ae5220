import type { Prng } from './prng.ts'

const firstMs = 50
const lastMs = 2_000

/**
 * How long to wait before dialling again: not at all the first time, then 50 ms, doubling up to 2 s, each time shortened by up
 * to half at random so that many do not dial in step.
 */
export class BackOff {
  readonly #prng: Prng
  #failures = 0

  constructor(prng: Prng) {
    this.#prng = prng
  }

  next(): number {
    const failures = this.#failures++
    if (failures === 0) return 0
    const ceiling = Math.min(lastMs, firstMs * 2 ** Math.min(failures - 1, 16))
    return ceiling * (1 - this.#prng.float() / 2)
  }

  /** A connection held for so long: one that breaks at once would otherwise be made again without end. */
  heldFor(ms: number): void {
    if (ms >= lastMs) this.#failures = 0
  }
}
