import type { Operation } from './history.ts'
import type { Pool, Problem, Required } from './linearizability-problem.ts'

/**
 * How far a search has come. Numbers are positions of required operations, lists of them are sorted. Every required operation before
 * `next` that is in no list has its place in the order.
 */
export interface Configuration<State, Input, Output> {
  /** Have no place yet. Were called before the deadline, so each may be the next. */
  readonly open: readonly number[]
  /**
   * Hidden, but could still be placed later instead. Invariant: they overlap in time, pairwise and with all pools that may still be
   * used, so that any of them may be placed while the others stay hidden.
   */
  readonly free: readonly number[]
  /** The first not yet open. */
  readonly next: number
  /** The first return in `open`. Invariant: nothing placed was called later. */
  readonly deadline: number
  /** Positions of pools, once for each operation used. */
  readonly used: readonly number[]
  /** The first return of a pool that may still be used; those that returned earlier may not. */
  readonly poolsEnd: number
  readonly state: State
  readonly trail: Trail<Input, Output> | null
}

/** The order so far, last first. */
export interface Trail<Input, Output> {
  readonly operation: Operation<Input, Output>
  /** Come right before it, unless they are placed later. */
  readonly hidden: readonly Operation<Input, Output>[]
  readonly before: Trail<Input, Output> | null
}

export function isComplete<State, Input, Output>(configuration: Configuration<State, Input, Output>): boolean {
  return configuration.open.length === 0
}

export function orderOf<Input, Output>(trail: Trail<Input, Output> | null): Operation<Input, Output>[] {
  const steps: Trail<Input, Output>[] = []
  for (let step = trail; step !== null; step = step.before) steps.push(step)
  const placed = new Set(steps.map(({ operation }) => operation))
  return steps.toReversed().flatMap(({ operation, hidden }) => {
    const unseen = hidden.filter((other) => !placed.has(other))
    for (const other of unseen) placed.add(other)
    return [...unseen, operation]
  })
}

/** Makes configurations out of others; which ones the model allows is for the search to say. */
export class Placer<State, Input, Output> {
  readonly #required: readonly Required<Input, Output>[]
  readonly #pools: readonly Pool<Input, Output>[]
  readonly #poolEnds: readonly number[]

  constructor({ required, pools }: Problem<State, Input, Output>) {
    this.#required = required
    this.#pools = pools
    this.#poolEnds = pools.map(({ returnedAt }) => returnedAt).sort(ascending)
  }

  start(state: State): Configuration<State, Input, Output> {
    return { ...this.#opened([], 0), free: [], used: [], poolsEnd: this.#poolEnds[0] ?? Infinity, state, trail: null }
  }

  /** Places an open or free operation next. */
  place(from: Configuration<State, Input, Output>, placed: number, state: State): Configuration<State, Input, Output> {
    const { operation, calledAt } = this.at(placed)
    const poolsEnd = this.#poolsEnd(from, calledAt)
    const free = this.#stillFree(from, calledAt).filter((position) => position !== placed)
    const open = from.open.filter((position) => position !== placed)
    const hidden = this.#hiddenBy(placed, open, this.#firstReturn(free, poolsEnd))
    const trail = { operation, hidden: hidden.map((position) => this.at(position).operation), before: from.trail }
    const rest = { used: from.used, poolsEnd, state, trail }
    if (hidden.length === 0) return { ...this.#opened(open, from.next), free, ...rest }
    const left = open.filter((position) => !hidden.includes(position))
    return { ...this.#opened(left, from.next), free: [...free, ...hidden].sort(ascending), ...rest }
  }

  /** The operation of a pool that may be placed next. */
  nextOf(from: Configuration<State, Input, Output>, position: number): Operation<Input, Output> | undefined {
    const { operations, returnedAt } = this.#pools[position] as Pool<Input, Output>
    if (returnedAt < from.poolsEnd) return undefined
    const operation = operations[count(from.used, position)]
    return operation !== undefined && operation.calledAt <= from.deadline ? operation : undefined
  }

  /** Places an operation of a pool next. */
  use(
    from: Configuration<State, Input, Output>,
    { pool, operation, state }: { readonly pool: number; readonly operation: Operation<Input, Output>; readonly state: State },
  ): Configuration<State, Input, Output> {
    const free = this.#stillFree(from, operation.calledAt)
    const poolsEnd = this.#poolsEnd(from, operation.calledAt)
    const used = [...from.used, pool].sort(ascending)
    return { ...from, free, used, poolsEnd, state, trail: { operation, hidden: [], before: from.trail } }
  }

  at(position: number): Required<Input, Output> {
    return this.#required[position] as Required<Input, Output>
  }

  /** An overwrite hides the open overwrites that may come right before it and end no choice among what is free or in a pool. */
  #hiddenBy(placed: number, open: readonly number[], end: number): readonly number[] {
    const { effect, returnedAt } = this.at(placed)
    if (effect !== 'overwrite') return []
    return open.filter((position) => {
      const other = this.at(position)
      return other.effect === 'overwrite' && other.calledAt <= end && other.calledAt <= returnedAt
    })
  }

  /** Opens what was called before the deadline. */
  #opened(left: readonly number[], from: number): { open: readonly number[]; next: number; deadline: number } {
    const open = [...left]
    let deadline = this.#firstReturn(left, Infinity)
    let next = from
    for (; next < this.#required.length; next++) {
      const { calledAt, returnedAt } = this.at(next)
      if (calledAt > deadline) break
      deadline = Math.min(deadline, returnedAt)
      open.push(next)
    }
    return { open, next, deadline }
  }

  /** What is free and may come after an operation called then. */
  #stillFree({ free }: Configuration<State, Input, Output>, calledAt: number): readonly number[] {
    return free.filter((position) => this.at(position).returnedAt >= calledAt)
  }

  #poolsEnd({ poolsEnd }: Configuration<State, Input, Output>, calledAt: number): number {
    if (calledAt <= poolsEnd) return poolsEnd
    return this.#poolEnds.find((end) => end >= calledAt) ?? Infinity
  }

  #firstReturn(positions: readonly number[], atMost: number): number {
    return positions.reduce((first, position) => Math.min(first, this.at(position).returnedAt), atMost)
  }
}

function ascending(left: number, right: number): number {
  return left - right
}

function count(items: readonly number[], wanted: number): number {
  let found = 0
  for (const item of items) if (item === wanted) found++
  return found
}
