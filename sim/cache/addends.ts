import type { Prng } from '#base/prng.ts'

/** Of one run. So far apart that no sum is a value that was written, and hardly ever another sum; never the same one twice, as the log knows an addition by it. */
export class Addends {
  readonly #drawn = new Set<number>()

  draw(prng: Prng): number {
    let millions = prng.between(1, 1_000_000)
    while (this.#drawn.has(millions)) millions++
    this.#drawn.add(millions)
    return 1_000_000 * millions
  }
}
