import { type Counterexample, explain } from './linearizability-counterexample.ts'
import { type Operation, partitionByKey } from './history.ts'
import type { Model } from './linearizability-model.ts'
import { problemOf } from './linearizability-problem.ts'
import { searchOrder } from './linearizability-search.ts'

export type Verdict<Input, Output> =
  /** `work` is in units of about one call of the model. */
  | { readonly type: 'ok'; readonly keys: number; readonly operations: number; readonly work: number }
  | { readonly type: 'violation'; readonly counterexample: Counterexample<Input, Output> }
  /** The work limit was met before these keys were decided; the others are linearizable. Never to be taken for a pass. */
  | { readonly type: 'undecided'; readonly keys: readonly string[]; readonly work: number }

export interface CheckOptions {
  /** The work for each key, in calls of the model, and as much again to make a counterexample small. */
  readonly workMax?: number
}

const defaultWorkMax = 20_000_000

/** Could clients that saw this have talked to the sequential model, one operation at a time, each between its call and its return? */
export function checkLinearizability<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
  options: CheckOptions = {},
): Verdict<Input, Output> {
  const workMax = options.workMax ?? defaultWorkMax
  const keys = partitionByKey(history)
  const undecided: string[] = []
  let work = 0
  for (const [key, operations] of keys) {
    const result = searchOrder(problemOf(model, operations, new Set()), workMax)
    work += result.work
    if (result.type === 'stuck') {
      return { type: 'violation', counterexample: explain({ model, key, operations, stuck: result.stuck, workMax }) }
    }
    if (result.type === 'limit') undecided.push(key)
  }
  if (undecided.length > 0) return { type: 'undecided', keys: undecided, work }
  return { type: 'ok', keys: keys.size, operations: history.length, work }
}
