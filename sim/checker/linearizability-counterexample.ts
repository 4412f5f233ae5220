import { present } from '#base/assert.ts'
import type { Operation } from './history.ts'
import { type Model, unanswered } from './linearizability-model.ts'
import type { Stuck } from './linearizability-search.ts'
import { shrink } from './linearizability-shrink.ts'
import { drawTimeline } from './linearizability-timeline.ts'

/** Why a key's history is not linearizable. */
export interface Counterexample<Input, Output> {
  readonly key: string
  /** An order that explains all that returned before the culprit did: the history up to there is linearizable, with the culprit's return it is not. */
  readonly prefix: readonly Operation<Input, Output>[]
  /** The operation whose return nothing explains. */
  readonly culprit: Operation<Input, Output>
  /** Returned operations that were open when the culprit returned and are not in `prefix`, the culprit among them. */
  readonly unplaced: readonly Operation<Input, Output>[]
  /** The states, as the model shows them, in which the orders of what came before leave the key. */
  readonly states: readonly string[]
  /** These contradict each other, whichever of the others happened; none of them can be spared. By call time. */
  readonly core: readonly Operation<Input, Output>[]
  /** Operations outside the core that explain a part of it, for example the write of a value that the core read. */
  readonly support: readonly Operation<Input, Output>[]
  /** All this for people. */
  readonly text: string
}

interface Violation<State, Input, Output> {
  readonly model: Model<State, Input, Output>
  readonly key: string
  readonly operations: readonly Operation<Input, Output>[]
  readonly stuck: Stuck<Input, Output>
  readonly workMax: number
}

const shownMax = 10

export function explain<State, Input, Output>(violation: Violation<State, Input, Output>): Counterexample<Input, Output> {
  const { model, key, operations, stuck } = violation
  const { core, order } = shrink(model, operations, violation)
  const placed = new Set(stuck.order)
  const counterexample = {
    key,
    prefix: stuck.order,
    culprit: present(
      core.find(({ outcome }) => outcome.type === 'returned' && outcome.at === stuck.deadline),
      'without the last return there is no contradiction',
    ),
    unplaced: operations.filter((operation) => {
      return operation.outcome.type === 'returned' && operation.calledAt <= stuck.deadline && !placed.has(operation)
    }),
    states: [...stuck.states],
    core,
    support: order.filter((operation) => !core.includes(operation)),
  }
  return { ...counterexample, text: tell(model, counterexample, operations.length) }
}

function tell<State, Input, Output>(
  model: Model<State, Input, Output>,
  found: Omit<Counterexample<Input, Output>, 'text'>,
  operations: number,
): string {
  const { key, prefix, culprit, unplaced, states, core, support } = found
  const describe = ({ input, outcome }: Operation<Input, Output>): string => {
    return model.describe(input, outcome.type === 'returned' ? outcome.output : unanswered)
  }
  const named = (operation: Operation<Input, Output>): string => `${describe(operation)} by ${operation.client}`
  const marks = new Map([...support.map((operation) => [operation, '·'] as const), [culprit, '✗'] as const])
  const lines = [
    `key ${key} is not linearizable: nothing explains ${named(culprit)}.`,
    `The possible states there: ${list(states, 'first')}.`,
    '',
    `These ${core.length} of ${operations} operations contradict each other, whichever of the others happened:`,
    ...drawTimeline([...core, ...support], { describe, mark: (operation) => marks.get(operation) ?? '' }),
    ...(support.length > 0 ? ['(· not part of the contradiction, but explains part of it)'] : []),
    '',
    `Explained before that: ${prefix.length} operations${prefix.length > 0 ? `, in the order ${list(prefix.map(named), 'last')}` : ''}.`,
    `Not placed: ${list(unplaced.map(named), 'first')}.`,
  ]
  return lines.join('\n')
}

function list(items: readonly string[], shown: 'first' | 'last'): string {
  if (items.length <= shownMax) return items.join(', ')
  return shown === 'first' ? `${items.slice(0, shownMax).join(', ')}, …` : `…, ${items.slice(-shownMax).join(', ')}`
}
