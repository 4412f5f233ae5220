/**
 * Numbers what one party asks for, from 1, and knows which of it is over. `confirmed` is the number before the oldest that is still open, so it
 * never covers an answer that may still be asked for.
 */
export class OpenNumbers {
  #next = 1
  readonly #open = new Set<number>()

  begin(): number {
    const number = this.#next++
    this.#open.add(number)
    return number
  }

  end(number: number): void {
    this.#open.delete(number)
  }

  /** A `Set` keeps the order of insertion, so its first element is the oldest. */
  get confirmed(): number {
    for (const oldest of this.#open) return oldest - 1
    return this.#next - 1
  }
}
