import { present } from '#base/assert.ts'
import type { Operation } from './history.ts'
import { type Configuration, isComplete, orderOf, Placer, type Trail } from './linearizability-configuration.ts'
import type { Pool, Problem } from './linearizability-problem.ts'
import type { Effect } from './linearizability-model.ts'
import { Budget, Tried } from './linearizability-tried.ts'

/**
 * Is there one order of a key's operations that a sequential model accepts and that keeps real time (an operation that returned before
 * another was called comes first)?
 *
 * The search is Wing and Gong's ("Testing and Verifying Concurrent Objects", 1993) with Lowe's memory of configurations already tried
 * ("Testing for Linearizability", 2017). It places operations one after the other, depth first. An operation is open when it was called
 * before the deadline, the first return among those not yet placed: only such may be placed next.
 *
 * What keeps it small:
 *
 * 1. A configuration names what is open, not what is placed: it is as large as the concurrency, however long the history.
 * 2. A read that fits is placed at once and without alternative: it changes nothing, and later it might fit no more. One after which something could
 *    be used no more is an alternative like others.
 * 3. An overwrite hides other overwrites that are open with it: they may have come right before it, unseen. Hidden ones become free:
 *    they may be placed later instead, to be seen by a read, while real time permits. Otherwise every subset of n open writes would be a
 *    configuration of its own.
 * 4. An operation of unknown outcome waits in a pool with those of the same input, to be used at any time after its call, or never.
 * 5. What need not be placed is placed only when all else failed, few before many, and right before something that must be (a burst).
 *    Of two configurations that differ only in this, the one with more left to choose from is at least as good. So a lost write that
 *    nobody read costs nothing.
 * 6. What makes an open read fit is tried first; and before that what comes next in the order that the system itself tells, where it does. Of what is
 *    lost that is only what makes a read fit, or what the next change needs. When that is right nothing else is tried.
 *
 * The problem is NP-complete: `workMax` bounds the search.
 */
export function searchOrder<State, Input, Output>(problem: Problem<State, Input, Output>, workMax: number): SearchResult<Input, Output> {
  return new Search(problem, workMax).run()
}

export type SearchResult<Input, Output> =
  | { readonly type: 'order'; readonly order: readonly Operation<Input, Output>[]; readonly work: number }
  | { readonly type: 'stuck'; readonly stuck: Stuck<Input, Output>; readonly work: number }
  | { readonly type: 'limit'; readonly work: number }

/** All that happened before `deadline` can be explained; what returned then cannot. */
export interface Stuck<Input, Output> {
  readonly deadline: number
  /** An order that explains what returned before. */
  readonly order: readonly Operation<Input, Output>[]
  /** Keys of the states in which the orders of what returned before leave the model. */
  readonly states: ReadonlySet<string>
}

/** The configurations that may come next, the most promising first. */
type Moves<State, Input, Output> = Generator<Configuration<State, Input, Output>, void, undefined>

class Search<State, Input, Output> {
  readonly #problem: Problem<State, Input, Output>
  readonly #placer: Placer<State, Input, Output>
  readonly #budget: Budget
  readonly #tried: Tried
  /** Of which an operation has a place that the system tells of. */
  readonly #toldPools: readonly number[]
  #furthest: { readonly at: Configuration<State, Input, Output>; readonly states: Set<string> } | null = null

  constructor(problem: Problem<State, Input, Output>, workMax: number) {
    this.#problem = problem
    this.#placer = new Placer(problem)
    this.#budget = new Budget(workMax)
    this.#tried = new Tried(this.#budget)
    this.#toldPools = [...problem.pools.keys()].filter((pool) =>
      (problem.pools[pool] as Pool<Input, Output>).operations.some(({ place }) => place !== undefined),
    )
  }

  run(): SearchResult<Input, Output> {
    const start = this.#placer.start(this.#problem.model.initial)
    if (isComplete(start)) return { type: 'order', order: [], work: 0 }
    const stack = [this.#moves(start)]
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const move = top.next()
      if (this.#budget.isSpent) return { type: 'limit', work: this.#budget.spent }
      if (move.done === true) stack.pop()
      else if (isComplete(move.value)) return { type: 'order', order: orderOf(move.value.trail), work: this.#budget.spent }
      else if (this.#tried.add(this.#keyOf(move.value), move.value)) stack.push(this.#moves(move.value))
    }
    const { at, states } = present(this.#furthest, 'a search starts somewhere')
    return { type: 'stuck', stuck: { deadline: at.deadline, order: orderOf(at.trail), states }, work: this.#budget.spent }
  }

  *#moves(from: Configuration<State, Input, Output>): Moves<State, Input, Output> {
    this.#noteProgress(from)
    const costly: Configuration<State, Input, Output>[] = []
    if (yield* this.#fittingReads(from, costly)) return
    yield* this.#asTold(from)
    yield* costly
    yield* this.#towardsReads(from)
    yield* this.#changes(from)
    yield* this.#bursts(from)
  }

  /** Returns true when no alternative needs to be tried. Those after which something that is free, or in a pool, can be used no more are `costly`. */
  *#fittingReads(
    from: Configuration<State, Input, Output>,
    costly: Configuration<State, Input, Output>[],
  ): Generator<Configuration<State, Input, Output>, boolean, undefined> {
    for (const position of from.open) {
      if (!this.#isRead(position) || this.#after(from.state, position).length === 0) continue
      const after = this.#placer.place(from, position, from.state)
      if (after.free.length === from.free.length && after.poolsEnd === from.poolsEnd) {
        yield after
        return true
      }
      costly.push(after)
    }
    return false
  }

  /** The next change in the order that the system tells of. */
  *#asTold(from: Configuration<State, Input, Output>): Moves<State, Input, Output> {
    const last = lastPlace(from.trail)
    const placeOf = (position: number): number => this.#placer.at(position).operation.place ?? NaN
    const next = leastOf([...from.free, ...from.open], placeOf, last)
    const placeIn = (pool: number): number => this.#placer.nextOf(from, pool)?.place ?? NaN
    const lost = leastOf(this.#toldPools, placeIn, last)
    if (lost !== null && (next === null || placeIn(lost) < placeOf(next))) yield* this.#asNeeded(from, lost, next)
    if (next !== null) yield* this.#placed(from, next)
  }

  /** With the next operation of a pool, if an open read then fits, or without it the next change does not. */
  *#asNeeded(from: Configuration<State, Input, Output>, pool: number, next: number | null): Moves<State, Input, Output> {
    const isNeeded = next !== null && this.#after(from.state, next).length === 0
    const reads = from.open.filter((position) => this.#isRead(position))
    for (const used of this.#used(from, pool)) if (isNeeded || reads.some((read) => this.#after(used.state, read).length > 0)) yield used
  }

  *#towardsReads(from: Configuration<State, Input, Output>): Moves<State, Input, Output> {
    const reads = from.open.filter((position) => this.#isRead(position))
    if (reads.length === 0) return
    for (const position of this.#byReturn([...from.free, ...from.open])) {
      for (const state of this.#after(from.state, position)) {
        if (reads.some((read) => this.#after(state, read).length > 0)) yield this.#placer.place(from, position, state)
      }
    }
  }

  *#changes(from: Configuration<State, Input, Output>): Moves<State, Input, Output> {
    for (const position of this.#byReturn(from.open)) if (!this.#isRead(position)) yield* this.#placed(from, position)
  }

  *#bursts(from: Configuration<State, Input, Output>): Moves<State, Input, Output> {
    const tried = new Tried(this.#budget)
    tried.add(this.#keyOf(from), from)
    const reached = [from]
    for (const here of reached) {
      // Right after something optional an overwrite is no better than without it.
      for (const burst of this.#optional(here, here === from ? ['overwrite', 'change'] : ['change'])) {
        if (this.#budget.isSpent) return
        if (!tried.add(this.#keyOf(burst), burst)) continue
        if (burst.deadline > from.deadline) {
          yield burst
          continue
        }
        reached.push(burst)
        this.#noteProgress(burst)
        const costly: Configuration<State, Input, Output>[] = []
        if (yield* this.#fittingReads(burst, costly)) continue
        yield* costly
        yield* this.#changes(burst)
      }
    }
  }

  /** Places one operation that need not be placed. */
  *#optional(from: Configuration<State, Input, Output>, effects: readonly Effect[]): Moves<State, Input, Output> {
    for (const position of from.free) if (effects.includes(this.#placer.at(position).effect)) yield* this.#placed(from, position)
    for (const [position, { effect }] of this.#problem.pools.entries()) if (effects.includes(effect)) yield* this.#used(from, position)
  }

  *#placed(from: Configuration<State, Input, Output>, position: number): Moves<State, Input, Output> {
    for (const state of this.#after(from.state, position)) yield this.#placer.place(from, position, state)
  }

  /** With the next operation of a pool. */
  *#used(from: Configuration<State, Input, Output>, pool: number): Moves<State, Input, Output> {
    const operation = this.#placer.nextOf(from, pool)
    if (operation === undefined) return
    this.#budget.spend(1)
    const { input, output } = this.#problem.pools[pool] as Pool<Input, Output>
    for (const state of this.#problem.model.step(from.state, input, output)) yield this.#placer.use(from, { pool, operation, state })
  }

  #byReturn(positions: readonly number[]): readonly number[] {
    return positions.toSorted((left, right) => this.#placer.at(left).returnedAt - this.#placer.at(right).returnedAt)
  }

  #isRead(position: number): boolean {
    return this.#placer.at(position).effect === 'read'
  }

  #after(state: State, position: number): readonly State[] {
    const { operation, output } = this.#placer.at(position)
    this.#budget.spend(1)
    return this.#problem.model.step(state, operation.input, output)
  }

  /** Of what must be equal in configurations that are compared. */
  #keyOf({ next, open, state }: Configuration<State, Input, Output>): string {
    return `${next} ${open.join(' ')} ${this.#problem.model.keyOfState(state)}`
  }

  /** Remembers the latest deadline that was reached, and there the configuration with the most in place. */
  #noteProgress(at: Configuration<State, Input, Output>): void {
    const best = this.#furthest
    const states = best?.at.deadline === at.deadline ? best.states : new Set<string>()
    if (best === null || at.deadline > best.at.deadline) this.#furthest = { at, states }
    else if (at.deadline < best.at.deadline) return
    else if (at.next - at.open.length > best.at.next - best.at.open.length) this.#furthest = { at, states }
    states.add(this.#problem.model.keyOfState(at.state))
  }
}

/** Null when none has a place from there on. */
function leastOf(numbers: readonly number[], placeOf: (number: number) => number, from: number): number | null {
  let [least, leastPlace]: [number | null, number] = [null, Infinity]
  for (const number of numbers) {
    const place = placeOf(number)
    if (place >= from && place < leastPlace) [least, leastPlace] = [number, place]
  }
  return least
}

/** Of the last change that the system told the place of. */
function lastPlace(trail: Trail<unknown, unknown> | null): number {
  for (let step = trail; step !== null; step = step.before) if (step.operation.place !== undefined) return step.operation.place
  return -Infinity
}
