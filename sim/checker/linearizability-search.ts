import { present } from '#base/assert.ts'
import type { Operation } from './history.ts'
import { type Model, unanswered } from './linearizability-model.ts'
import { type Problem, problemOf, type Returned } from './linearizability-problem.ts'
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
 * 2. A read that fits is placed at once and without alternative: it changes nothing, and later it might fit no more.
 * 3. An overwrite hides all other overwrites that were open with it: they may have come right before it, unseen. Hidden ones become
 *    free: they may still be placed while real time permits, to be seen by a read, but need not be. Otherwise every subset of n open
 *    writes would be a configuration of its own.
 * 4. An operation of unknown outcome is free from its call on, for ever; those with equal inputs are interchangeable.
 * 5. Free operations are placed only when everything else failed, few before many, and only right before one that is not (a burst). Of two
 *    configurations that differ only in this, the one with more left to choose from is at least as good. So a lost write that nobody
 *    read costs nothing.
 *
 * The problem is NP-complete: `workMax` bounds the search.
 */
export type SearchResult<Input, Output> =
  | { readonly type: 'order'; readonly order: readonly Operation<Input, Output>[]; readonly work: number }
  | { readonly type: 'stuck'; readonly stuck: Stuck<Input, Output>; readonly work: number }
  | { readonly type: 'limit'; readonly work: number }

/** All that happened before the culprit returned can be explained, its return cannot. */
export interface Stuck<Input, Output> {
  readonly culprit: Operation<Input, Output>
  readonly culpritReturnedAt: number
  /** An order that explains what returned before. */
  readonly order: readonly Operation<Input, Output>[]
  /** Keys of the states in which the orders of what returned before leave the model. */
  readonly states: ReadonlySet<string>
}

export function searchOrder<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  workMax: number,
): SearchResult<Input, Output> {
  return new Search(model, problemOf(model, operations), workMax).run()
}

/** Numbers are positions of returned operations, in sorted lists; those before `next` that are in neither list are placed or hidden. */
interface Configuration<State, Input, Output> {
  readonly open: readonly number[]
  /** Hidden, but could still be placed. */
  readonly free: readonly number[]
  /** Not called before the deadline. */
  readonly next: number
  /** Invariant: the first return in `open`, and not before the call of anything placed. */
  readonly deadline: number
  /** Positions of the pools of unknown outcome used, once for each use. */
  readonly used: readonly number[]
  readonly state: State
  readonly trail: Trail<Input, Output> | null
}

/** The order so far, last first. */
interface Trail<Input, Output> {
  readonly operation: Operation<Input, Output>
  /** Come right before it, unless they are placed later. */
  readonly hidden: readonly Operation<Input, Output>[]
  readonly before: Trail<Input, Output> | null
}

/** The configurations that may come next; returns true when the last one leaves no alternative. */
type Moves<State, Input, Output> = Generator<Configuration<State, Input, Output>, boolean, undefined>

class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>
  readonly #problem: Problem<Input, Output>
  readonly #budget: Budget
  readonly #tried: Tried
  #furthest: { readonly at: Configuration<State, Input, Output>; readonly states: Set<string> } | null = null

  constructor(model: Model<State, Input, Output>, problem: Problem<Input, Output>, workMax: number) {
    this.#model = model
    this.#problem = problem
    this.#budget = new Budget(workMax)
    this.#tried = new Tried(this.#budget)
  }

  run(): SearchResult<Input, Output> {
    const start = { ...this.#opened([], 0), free: [], used: [], state: this.#model.initial, trail: null }
    if (isComplete(start)) return { type: 'order', order: [], work: 0 }
    const stack = [this.#moves(start)]
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const move = top.next()
      if (this.#budget.isSpent) return { type: 'limit', work: this.#budget.spent }
      if (move.done === true) stack.pop()
      else if (isComplete(move.value)) return { type: 'order', order: orderOf(move.value.trail), work: this.#budget.spent }
      else if (this.#tried.add(this.#keyOf(move.value), move.value)) stack.push(this.#moves(move.value))
    }
    return { type: 'stuck', stuck: this.#stuck(), work: this.#budget.spent }
  }

  *#moves(from: Configuration<State, Input, Output>): Moves<State, Input, Output> {
    this.#noteProgress(from)
    if (yield* this.#fittingReads(from)) return true
    const reads = from.open.filter(position => this.#at(position).effect === 'read')
    if (reads.length > 0) {
      for (const position of sorted([...from.free, ...from.open])) for (const state of this.#after(from.state, position)) if (reads.some(read => this.#after(state, read).length > 0)) yield this.#place(from, position, state)
    }
    yield* this.#changes(from)
    return yield* this.#bursts(from)
  }

  *#fittingReads(from: Configuration<State, Input, Output>): Moves<State, Input, Output> {
    for (const position of from.open) {
      if (this.#at(position).effect !== 'read' || this.#after(from.state, position).length === 0) continue
      const after = this.#place(from, position, from.state)
      yield after
      if (after.free.length === from.free.length) return true
    }
    return false
  }

  *#changes(from: Configuration<State, Input, Output>): Generator<Configuration<State, Input, Output>, void, undefined> {
    const changes = from.open.filter(position => this.#at(position).effect !== 'read')
    changes.sort((left, right) => this.#at(left).returnedAt - this.#at(right).returnedAt)
    for (const position of changes) {
      for (const state of this.#after(from.state, position)) yield this.#place(from, position, state)
    }
  }

  *#bursts(from: Configuration<State, Input, Output>): Moves<State, Input, Output> {
    const tried = new Tried(this.#budget)
    tried.add(this.#keyOf(from), from)
    const reached = [from]
    for (const here of reached) {
      for (const burst of this.#freely(here)) {
        if (this.#budget.isSpent) return false
        if (!tried.add(this.#keyOf(burst), burst)) continue
        if (burst.open.length < here.open.length || burst.next > here.next) {
          yield burst
          continue
        }
        reached.push(burst)
        this.#noteProgress(burst)
        if (!(yield* this.#fittingReads(burst))) yield* this.#changes(burst)
      }
    }
    return false
  }

  /** Places one operation that need not be placed. */
  *#freely(from: Configuration<State, Input, Output>): Generator<Configuration<State, Input, Output>, void, undefined> {
    for (const position of from.free) {
      for (const state of this.#after(from.state, position)) yield this.#place(from, position, state)
    }
    for (const [pool, { input, operations }] of this.#problem.pools.entries()) {
      const operation = operations[from.used.filter((other) => other === pool).length]
      if (operation === undefined || operation.calledAt > from.deadline) continue
      this.#budget.spend(1)
      const used = [...from.used, pool].sort((left, right) => left - right)
      const free = from.free.filter((position) => this.#at(position).returnedAt >= operation.calledAt)
      const trail = { operation, hidden: [], before: from.trail }
      for (const state of this.#model.step(from.state, input, unanswered)) yield { ...from, free, used, state, trail }
    }
  }

  #place(from: Configuration<State, Input, Output>, placed: number, state: State): Configuration<State, Input, Output> {
    const { operation, effect, calledAt, returnedAt } = this.#at(placed)
    const open = from.open.filter(position => position !== placed)
    const free = this.#stillFree(from.free, calledAt).filter(position => position !== placed)
    const hidden: number[] = []
    if (effect === 'overwrite') {
      const end = this.#firstReturn(free, returnedAt)
      for (const position of open) if (this.#at(position).effect === 'overwrite' && this.#at(position).calledAt <= end) hidden.push(position)
    }
    const trail = { operation, hidden: hidden.map(position => this.#at(position).operation), before: from.trail }
    if (hidden.length === 0) return { ...this.#opened(open, from.next), free, used: from.used, state, trail }
    const left = open.filter(position => !hidden.includes(position))
    return { ...this.#opened(left, from.next), free: sorted([...free, ...hidden]), used: from.used, state, trail }
  }

  /** What is free and may come after an operation called then. */
  #stillFree(free: readonly number[], calledAt: number): readonly number[] {
    return free.filter(position => this.#at(position).returnedAt >= calledAt)
  }

  #firstReturn(positions: readonly number[], atMost: number): number {
    return positions.reduce((first, position) => Math.min(first, this.#at(position).returnedAt), atMost)
  }

  /** Opens what was called before the deadline. */
  #opened(open: readonly number[], next: number): { open: readonly number[]; next: number; deadline: number } {
    const all = [...open]
    let deadline = this.#firstReturn(open, Infinity)
    let position = next
    for (; position < this.#problem.returned.length; position++) {
      const { calledAt, returnedAt } = this.#at(position)
      if (calledAt > deadline) break
      deadline = Math.min(deadline, returnedAt)
      all.push(position)
    }
    return { open: all, next: position, deadline }
  }

  #after(state: State, position: number): readonly State[] {
    const { input, output } = this.#at(position)
    this.#budget.spend(1)
    return this.#model.step(state, input, output)
  }

  #at(position: number): Returned<Input, Output> {
    return this.#problem.returned[position] as Returned<Input, Output>
  }

  /** Of what must be equal in configurations that are compared. */
  #keyOf({ next, open, state }: Configuration<State, Input, Output>): string {
    return `${next} ${open.join(' ')} ${this.#model.keyOfState(state)}`
  }

  /** Remembers the latest deadline that was reached. */
  #noteProgress(at: Configuration<State, Input, Output>): void {
    if (this.#furthest === null || at.deadline > this.#furthest.at.deadline) this.#furthest = { at, states: new Set() }
    if (at.deadline === this.#furthest.at.deadline) this.#furthest.states.add(this.#model.keyOfState(at.state))
  }

  #stuck(): Stuck<Input, Output> {
    const { at, states } = present(this.#furthest, 'a search starts somewhere')
    const first = present(
      at.open.find((position) => this.#at(position).returnedAt === at.deadline),
      'the deadline is the return of an open operation',
    )
    return { culprit: this.#at(first).operation, culpritReturnedAt: at.deadline, order: orderOf(at.trail), states }
  }
}

function isComplete<State, Input, Output>(configuration: Configuration<State, Input, Output>): boolean {
  return configuration.open.length === 0
}

function sorted(numbers: readonly number[]): readonly number[] {
  return numbers.toSorted((left, right) => left - right)
}

function orderOf<Input, Output>(trail: Trail<Input, Output> | null): Operation<Input, Output>[] {
  const steps: Trail<Input, Output>[] = []
  for (let step = trail; step !== null; step = step.before) steps.push(step)
  const placed = new Set(steps.map((step) => step.operation))
  return steps.reverse().flatMap(({ operation, hidden }) => {
    const unseen = hidden.filter((other) => !placed.has(other))
    for (const other of unseen) placed.add(other)
    return [...unseen, operation]
  })
}
