import { assert, present } from '#base/assert.ts'
import type { Operation } from './history.ts'
import { type Effect, type Model, unanswered } from './linearizability-model.ts'

/** An operation that returned. */
export interface Returned<Input, Output> {
  readonly operation: Operation<Input, Output>
  readonly calledAt: number
  readonly returnedAt: number
  readonly input: Input
  readonly output: Output
  readonly effect: Effect
}

/** Operations of unknown outcome with one input, by call time: they are interchangeable, and the earliest is the least restricted. */
export interface Pool<Input, Output> {
  readonly input: Input
  readonly operations: readonly Operation<Input, Output>[]
}

/** The operations on one key, as the search wants them. */
export interface Problem<Input, Output> {
  /** By call time; the search speaks of them by their position here. */
  readonly returned: readonly Returned<Input, Output>[]
  readonly pools: readonly Pool<Input, Output>[]
}

export function problemOf<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): Problem<Input, Output> {
  const byCall = operations.toSorted((left, right) => left.calledAt - right.calledAt)
  return { returned: returnedOperations(model, byCall), pools: poolsOfUnknown(model, byCall) }
}

function returnedOperations<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): Returned<Input, Output>[] {
  const returned: Returned<Input, Output>[] = []
  for (const operation of operations) {
    const { calledAt, input, outcome } = operation
    if (outcome.type === 'unknown') continue
    assert(calledAt <= outcome.at, 'an operation returns after its call')
    const { at: returnedAt, output } = outcome
    returned.push({ operation, calledAt, returnedAt, input, output, effect: model.effect(input, output) })
  }
  return returned
}

function poolsOfUnknown<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): Pool<Input, Output>[] {
  const changing = operations.filter(({ input, outcome }) => outcome.type === 'unknown' && model.effect(input, unanswered) !== 'read')
  const pools = Map.groupBy(changing, (operation) => model.keyOfInput(operation.input))
  return [...pools.values()].map((pool) => ({ input: present(pool[0], 'a group is not empty').input, operations: pool }))
}
