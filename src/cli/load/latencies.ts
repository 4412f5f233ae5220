/** Neighbouring bounds differ by so much, which is how exact a percentile is. */
const growth = 1.05
const shortestMs = 0.000_1

/** How long operations took, in bounded memory. */
export class Latencies {
  readonly #counts = new Map<number, number>()
  #count = 0
  #maxMs = 0

  get count(): number {
    return this.#count
  }
  get maxMs(): number {
    return this.#maxMs
  }

  /** `operations` that took `ms` each. */
  add(ms: number, operations = 1): void {
    const bucket = Math.round(Math.log(Math.max(ms, shortestMs)) / Math.log(growth))
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + operations)
    this.#count += operations
    this.#maxMs = Math.max(this.#maxMs, ms)
  }

  /** That share of them was not slower; 0 when there are none. */
  percentileMs(share: number): number {
    let left = share * this.#count
    for (const [bucket, count] of [...this.#counts].sort(([one], [other]) => one - other)) {
      left -= count
      if (left <= 0) return Math.min(this.#maxMs, growth ** bucket)
    }
    return this.#maxMs
  }
}
