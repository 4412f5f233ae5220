import { assert, present } from '#base/assert.ts'
import type { Operation } from './history.ts'
import { type Effect, type Model, type Unanswered, unanswered } from './linearizability-model.ts'

/** An operation that must take effect between its call and its return. */
export interface Required<Input, Output> {
  readonly operation: Operation<Input, Output>
  readonly calledAt: number
  readonly returnedAt: number
  readonly output: Output
  readonly effect: Effect
}

/** Operations that may take effect or not. Those of unknown outcome with equal inputs are interchangeable: they form one pool. */
export interface Pool<Input, Output> {
  /** By call time; the first is the least restricted and is used first. */
  readonly operations: readonly Operation<Input, Output>[]
  readonly input: Input
  readonly output: Output | Unanswered
  readonly effect: Effect
  /** Infinity for unknown outcomes. */
  readonly returnedAt: number
}

/** The operations on one key, as the search wants them. */
export interface Problem<State, Input, Output> {
  readonly model: Model<State, Input, Output>
  /** By call time; the search speaks of them by their position here. */
  readonly required: readonly Required<Input, Output>[]
  readonly pools: readonly Pool<Input, Output>[]
}

/** Spared operations did what they answered, or did not happen at all. */
export function problemOf<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  spared: ReadonlySet<Operation<Input, Output>>,
): Problem<State, Input, Output> {
  const required: Required<Input, Output>[] = []
  const pools: Pool<Input, Output>[] = []
  const unknown: Operation<Input, Output>[] = []
  for (const operation of operations.toSorted((left, right) => left.calledAt - right.calledAt)) {
    const { calledAt, input, outcome } = operation
    const output = outcome.type === 'returned' ? outcome.output : unanswered
    const effect = model.effect(input, output)
    if (outcome.type === 'unknown') {
      if (effect !== 'read') unknown.push(operation)
      continue
    }
    const { at: returnedAt } = outcome
    assert(calledAt <= returnedAt, 'an operation returns after its call')
    if (!spared.has(operation)) required.push({ operation, calledAt, returnedAt, output: outcome.output, effect })
    else if (effect !== 'read') pools.push({ operations: [operation], input, output, effect, returnedAt })
  }
  for (const alike of Map.groupBy(unknown, (operation) => model.keyOfInput(operation.input)).values()) {
    const { input } = present(alike[0], 'a group is not empty')
    pools.push({ operations: alike, input, output: unanswered, effect: model.effect(input, unanswered), returnedAt: Infinity })
  }
  return { model, required, pools }
}
