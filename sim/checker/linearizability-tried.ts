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

/** What is left to choose from: the more is free, the less is used and the earlier the pools end, the more can still be explained. */
interface Choice {
  readonly free: readonly number[]
  readonly used: readonly number[]
  readonly poolsEnd: number
}

/** Configurations tried: under each key those of which none is as good as an earlier one. */
export class Tried {
  readonly #choices = new Map<string, Choice[]>()
  readonly #budget: Budget

  constructor(budget: Budget) {
    this.#budget = budget
  }

  /** False when one at least as good was tried under this key. */
  add(key: string, choice: Choice): boolean {
    const earlier = this.#choices.get(key)
    if (earlier === undefined) {
      this.#choices.set(key, [choice])
      return true
    }
    this.#budget.spend(Math.ceil((earlier.length * (choice.free.length + choice.used.length)) / 32))
    if (earlier.some((other) => isAsGood(other, choice))) return false
    earlier.push(choice)
    return true
  }
}

function isAsGood(one: Choice, other: Choice): boolean {
  return one.poolsEnd <= other.poolsEnd && isContained(other.free, one.free) && isContained(one.used, other.used)
}

/** Of two sorted lists with repetitions. */
function isContained(part: readonly number[], whole: readonly number[]): boolean {
  if (part.length > whole.length) return false
  let found = 0
  for (const item of whole) if (item === part[found]) found++
  return found === part.length
}
