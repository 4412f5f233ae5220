import { assert, present } from '#base/assert.ts'
import type { Operation } from './history.ts'
import { type Model, unanswered } from './linearizability-model.ts'

/**
 * Is there one order of a key's operations that a sequential model accepts and that keeps real time (an operation that returned before
 * another was called comes first)?
 *
 * The search is Wing and Gong's ("Testing and Verifying Concurrent Objects", 1993) with Lowe's memory of configurations already tried
 * ("Testing for Linearizability", 2017). It places operations one after the other, depth first. An operation is *open* when it was
 * called before the first return (the deadline) among those not yet placed: only such may be placed next.
 *
 * What keeps it small:
 *
 * 1. Returned operations are numbered by call time. Those placed are all before `next` but for the `gaps`, and every gap was open
 *    when operation `next - 1` was called: a configuration is as large as the concurrency, however long the history.
 * 2. A read that fits is placed at once and without alternative: it changes nothing, and later it might fit no more.
 * 3. An operation of unknown outcome stays open for ever and would double the search. But it need not be placed, so
 *    a. it is placed only when everything else failed, and only right before an operation that returned (a burst);
 *    b. those with equal inputs are interchangeable, so they form a pool of which the earliest is used first;
 *    c. a configuration that used more of them than another, equal one is no better. So a lost write that was overwritten unread is
 *       forgotten by itself.
 *
 * The problem is NP-complete; `workMax` bounds the search. One unit is about the cost of a call of the model.
 */
export type SearchResult<Input, Output> =
  | { readonly type: 'order'; readonly order: readonly Operation<Input, Output>[]; readonly work: number }
  | { readonly type: 'stuck'; readonly stuck: Stuck<Input, Output>; readonly work: number }
  | { readonly type: 'limit'; readonly work: number }

/** All that happened before `culprit` returned can be explained, its return cannot. */
export interface Stuck<Input, Output> {
  readonly culprit: Operation<Input, Output>
  readonly culpritReturnsAt: number
  /** An order that explains what returned before. */
  readonly order: readonly Operation<Input, Output>[]
  /** Keys of the states in which some order leaves the model when the culprit should take effect. */
  readonly states: ReadonlySet<string>
}

export function searchOrder<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  workMax: number,
): SearchResult<Input, Output> {
  return new Search(model, operations, workMax).run()
}

/** Returned operations, by position in the order of their calls. */
interface Returned<Input, Output> {
  readonly operation: Operation<Input, Output>
  readonly calledAt: number
  readonly returnedAt: number
  readonly output: Output
  readonly isRead: boolean
}

/** Operations of unknown outcome with one input, by call time. */
interface Pool<Input, Output> {
  readonly input: Input
  readonly operations: readonly Operation<Input, Output>[]
}

interface Configuration<State, Input, Output> {
  /** Invariant: of the returned operations, exactly those before `next` that are not in `gaps` are placed. */
  readonly next: number
  /** Sorted. */
  readonly gaps: readonly number[]
  readonly state: State
  /** Positions of the pools used, sorted, once for each use. */
  readonly used: readonly number[]
  readonly trail: Trail<Input, Output> | null
}

/** The order so far, last first. */
interface Trail<Input, Output> {
  readonly operation: Operation<Input, Output>
  readonly before: Trail<Input, Output> | null
}

/** What may be placed next: positions, the earliest return first. */
interface Open {
  readonly positions: readonly number[]
  readonly deadline: number
}

type Moves<State, Input, Output> = Generator<Configuration<State, Input, Output>, boolean, undefined>

class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>
  readonly #returned: readonly Returned<Input, Output>[]
  readonly #pools: readonly Pool<Input, Output>[]
  readonly #budget: Budget
  readonly #tried: Tried
  #stuck: (Omit<Stuck<Input, Output>, 'order' | 'states'> & { trail: Trail<Input, Output> | null; states: Set<string> }) | null = null

  constructor(model: Model<State, Input, Output>, operations: readonly Operation<Input, Output>[], workMax: number) {
    this.#model = model
    this.#returned = returnedByCall(model, operations)
    this.#pools = poolsOfUnknown(model, operations)
    this.#budget = new Budget(workMax)
    this.#tried = new Tried(this.#budget)
  }

  run(): SearchResult<Input, Output> {
    if (this.#returned.length === 0) return { type: 'order', order: [], work: 0 }
    const stack = [this.#moves({ next: 0, gaps: [], state: this.#model.initial, used: [], trail: null })]
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const move = top.next()
      if (this.#budget.isSpent) return { type: 'limit', work: this.#budget.spent }
      if (move.done === true) stack.pop()
      else if (this.#isComplete(move.value)) return { type: 'order', order: orderOf(move.value.trail), work: this.#budget.spent }
      else if (this.#isNew(move.value)) stack.push(this.#moves(move.value))
    }
    const { culprit, culpritReturnsAt, trail, states } = present(this.#stuck, 'a search that fails was stuck somewhere')
    return { type: 'stuck', stuck: { culprit, culpritReturnsAt, order: orderOf(trail), states }, work: this.#budget.spent }
  }

  *#moves(from: Configuration<State, Input, Output>): Moves<State, Input, Output> {
    const open = this.#open(from)
    this.#noteProgress(from, open)
    if (yield* this.#placements(from, open)) return true
    return yield* this.#bursts(from, open)
  }

  /** Places one open operation; returns true when it was a read that fits, which leaves no alternative. */
  *#placements(from: Configuration<State, Input, Output>, open: Open): Moves<State, Input, Output> {
    const fitting = open.positions.find((position) => this.#at(position).isRead && this.#step(from.state, position).length > 0)
    if (fitting !== undefined) {
      yield this.#place(from, fitting, from.state)
      return true
    }
    for (const position of open.positions) {
      if (this.#at(position).isRead) continue
      for (const state of this.#step(from.state, position)) yield this.#place(from, position, state)
    }
    return false
  }

  /** Places operations of unknown outcome, few before many, then one that returned. */
  *#bursts(from: Configuration<State, Input, Output>, open: Open): Moves<State, Input, Output> {
    const reached = [from]
    const tried = new Tried(this.#budget)
    tried.add(this.#model.keyOfState(from.state), from.used)
    for (const here of reached) {
      for (const pool of this.#pools.keys()) {
        for (const burst of this.#take(here, pool, open.deadline)) {
          if (this.#budget.isSpent) return false
          const key = this.#model.keyOfState(burst.state)
          if (!tried.add(key, burst.used)) continue
          this.#noteProgress(burst, open)
          reached.push(burst)
          yield* this.#placements(burst, open)
        }
      }
    }
    return false
  }

  #take(from: Configuration<State, Input, Output>, pool: number, deadline: number): Configuration<State, Input, Output>[] {
    const { input, operations } = present(this.#pools[pool], 'a pool has a position')
    const operation = operations[from.used.filter((other) => other === pool).length]
    if (operation === undefined || operation.calledAt > deadline) return []
    this.#budget.spend(1)
    const used = [...from.used, pool].sort((left, right) => left - right)
    const trail = { operation, before: from.trail }
    return this.#model.step(from.state, input, unanswered).map((state) => ({ ...from, state, used, trail }))
  }

  #open(from: Configuration<State, Input, Output>): Open {
    const positions = [...from.gaps]
    let deadline = Infinity
    for (const gap of from.gaps) deadline = Math.min(deadline, this.#at(gap).returnedAt)
    for (let position = from.next; position < this.#returned.length; position++) {
      const { calledAt, returnedAt } = this.#at(position)
      if (calledAt > deadline) break
      deadline = Math.min(deadline, returnedAt)
      positions.push(position)
    }
    positions.sort((left, right) => this.#at(left).returnedAt - this.#at(right).returnedAt)
    return { positions, deadline }
  }

  #place(from: Configuration<State, Input, Output>, position: number, state: State): Configuration<State, Input, Output> {
    const trail = { operation: this.#at(position).operation, before: from.trail }
    if (position < from.next) return { ...from, gaps: from.gaps.filter((gap) => gap !== position), state, trail }
    const gaps = [...from.gaps]
    for (let skipped = from.next; skipped < position; skipped++) gaps.push(skipped)
    return { next: position + 1, gaps, state, used: from.used, trail }
  }

  #step(state: State, position: number): readonly State[] {
    const { operation, output } = this.#at(position)
    this.#budget.spend(1)
    return this.#model.step(state, operation.input, output)
  }

  #at(position: number): Returned<Input, Output> {
    return this.#returned[position] as Returned<Input, Output>
  }

  #isComplete(configuration: Configuration<State, Input, Output>): boolean {
    return configuration.next === this.#returned.length && configuration.gaps.length === 0
  }

  #isNew({ next, gaps, state, used }: Configuration<State, Input, Output>): boolean {
    return this.#tried.add(`${next} ${gaps.join(' ')} ${this.#model.keyOfState(state)}`, used)
  }

  /** Remembers the return that no order got past. */
  #noteProgress(from: Configuration<State, Input, Output>, open: Open): void {
    const first = open.positions[0]
    if (first === undefined || open.deadline < (this.#stuck?.culpritReturnsAt ?? -Infinity)) return
    if (this.#stuck === null || open.deadline > this.#stuck.culpritReturnsAt) {
      const { operation, returnedAt } = this.#at(first)
      this.#stuck = { culprit: operation, culpritReturnsAt: returnedAt, trail: from.trail, states: new Set() }
    }
    this.#stuck.states.add(this.#model.keyOfState(from.state))
  }
}

class Budget {
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

/** Configurations tried: for each key the sets of unknown operations used, of which none contains another tried before it. */
class Tried {
  readonly #usedByKey = new Map<string, (readonly number[])[]>()
  readonly #budget: Budget

  constructor(budget: Budget) {
    this.#budget = budget
  }

  /** False when the same was tried with no more unknown operations used. */
  add(key: string, used: readonly number[]): boolean {
    const earlier = this.#usedByKey.get(key)
    if (earlier === undefined) this.#usedByKey.set(key, [used])
    else if (earlier.some((less) => isContained(less, used))) return false
    else earlier.push(used)
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

function orderOf<Input, Output>(trail: Trail<Input, Output> | null): Operation<Input, Output>[] {
  const order: Operation<Input, Output>[] = []
  for (let step = trail; step !== null; step = step.before) order.push(step.operation)
  return order.reverse()
}

function returnedByCall<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): Returned<Input, Output>[] {
  const returned: Returned<Input, Output>[] = []
  for (const operation of operations) {
    const { calledAt, input, outcome } = operation
    if (outcome.type === 'unknown') continue
    assert(calledAt <= outcome.at, 'an operation returns after its call')
    const { at: returnedAt, output } = outcome
    returned.push({ operation, calledAt, returnedAt, output, isRead: model.isRead(input, output) })
  }
  return returned.sort((left, right) => left.calledAt - right.calledAt)
}

function poolsOfUnknown<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): Pool<Input, Output>[] {
  const effects = operations.filter(({ input, outcome }) => outcome.type === 'unknown' && !model.isRead(input, unanswered))
  effects.sort((left, right) => left.calledAt - right.calledAt)
  const pools = Map.groupBy(effects, (operation) => model.keyOfInput(operation.input))
  return [...pools.values()].map((pool) => ({ input: present(pool[0], 'a group is not empty').input, operations: pool }))
}
