/** How much a search may do; one unit is about the cost of a call of the model. */
export class Budget {
  readonly #max: number
  #spent = 0

  constructor(max: number) {
    this.#max = max
  }

  get spent(): number {
    return this.#spent
  }

  get isSpent(): boolean {
    return this.#spent > this.#max
  }

  spend(work: number): void {
    this.#spent += work
  }
}

/**
 * What is left to choose from: the more is free and the less is used, the more can still be explained. The end of the pools need not be
 * compared: all that was placed to get to the better choice was placed, or passed by, on the way to the other one.
 */
interface Choice {
  readonly free: readonly number[]
  readonly used: readonly number[]
}

/** Configurations tried: under each key those of which none is as good as an earlier one. */
export class Tried {
  readonly #choices = new Map<string, Choice[]>()
  readonly #budget: Budget

  constructor(budget: Budget) {
    this.#budget = budget
  }

  /** False when one at least as good was tried under this key. */
  add(key: string, { free, used }: Choice): boolean {
    const earlier = this.#choices.get(key)
    if (earlier === undefined) {
      this.#choices.set(key, [{ free, used }])
      return true
    }
    this.#budget.spend(Math.ceil((earlier.length * (free.length + used.length)) / 32))
    if (earlier.some((other) => isContained(free, other.free) && isContained(other.used, used))) return false
    earlier.push({ free, used })
    return true
  }
}

/** Of two sorted lists with repetitions. */
function isContained(part: readonly number[], whole: readonly number[]): boolean {
  if (part.length > whole.length) return false
  let found = 0
  for (const item of whole) if (item === part[found]) found++
  return found === part.length
}
