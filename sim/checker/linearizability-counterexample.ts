import { present } from '#base/assert.ts'
import type { Operation } from './history.ts'
import { type Model, type Unanswered, unanswered } from './linearizability-model.ts'
import type { Stuck } from './linearizability-search.ts'
import { shrink } from './linearizability-shrink.ts'
import { drawTimeline } from './linearizability-timeline.ts'

/** Why a key's history is not linearizable. */
export interface Counterexample<Input, Output> {
  readonly key: string
  /** An order that explains all that returned before the culprit did: up to there the history is linearizable, no further. */
  readonly prefix: readonly Operation<Input, Output>[]
  /** The operation whose return nothing explains. */
  readonly culprit: Operation<Input, Output>
  /** Returned operations that were open when the culprit returned and are not in `prefix`, the culprit among them. */
  readonly unplaced: readonly Operation<Input, Output>[]
  /** The states, as the model shows them, in which the orders of what came before leave the key. */
  readonly states: readonly string[]
  /** These contradict each other, whichever of the others happened; none of them can be spared. By call time. */
  readonly core: readonly Operation<Input, Output>[]
  /** Operations outside the core that show where its answers come from, for example the write of a value that was read. */
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

const listedMax = 10
const drawnMax = 20

export function explain<State, Input, Output>(violation: Violation<State, Input, Output>): Counterexample<Input, Output> {
  const { model, key, operations, stuck } = violation
  const { core, order } = shrink(model, operations, violation)
  const placed = new Set(stuck.order)
  const culprit = present(
    core.find(({ outcome }) => outcome.type === 'returned' && outcome.at === stuck.deadline),
    'without the last return there is no contradiction',
  )
  const support = new Set([...order, ...originOf(culprit, violation)]).difference(new Set(core))
  const counterexample = {
    key,
    prefix: stuck.order,
    culprit,
    unplaced: operations.filter((operation) => {
      return operation.outcome.type === 'returned' && operation.calledAt <= stuck.deadline && !placed.has(operation)
    }),
    states: [...stuck.states],
    core,
    support: [...support],
  }
  return { ...counterexample, text: tell(model, counterexample, operations.length) }
}

/** The latest operation that alone would explain the culprit, or the first one that came too late to do so. */
function originOf<State, Input, Output>(
  culprit: Operation<Input, Output>,
  { model, operations, stuck }: Violation<State, Input, Output>,
): readonly Operation<Input, Output>[] {
  const isPossible = (state: State): boolean => model.step(state, culprit.input, outputOf(culprit)).length > 0
  if (isPossible(model.initial)) return []
  const origins = operations
    .filter((operation) => operation !== culprit && model.step(model.initial, operation.input, outputOf(operation)).some(isPossible))
    .sort((left, right) => left.calledAt - right.calledAt)
  const origin = origins.findLast(({ calledAt }) => calledAt <= stuck.deadline) ?? origins[0]
  return origin === undefined ? [] : [origin]
}

function outputOf<Input, Output>({ outcome }: Operation<Input, Output>): Output | Unanswered {
  return outcome.type === 'returned' ? outcome.output : unanswered
}

function tell<State, Input, Output>(
  model: Model<State, Input, Output>,
  { key, prefix, culprit, unplaced, states, core, support }: Omit<Counterexample<Input, Output>, 'text'>,
  total: number,
): string {
  const describe = (operation: Operation<Input, Output>): string => model.describe(operation.input, outputOf(operation))
  const named = (operation: Operation<Input, Output>): string => `${describe(operation)} by ${operation.client}`
  const marks = new Map([...support.map((operation) => [operation, '·'] as const), [culprit, '✗'] as const])
  const drawn = [...core.slice(-drawnMax), ...support.slice(-drawnMax)]
  return [
    `Key ${key} is not linearizable: nothing explains ${named(culprit)}.`,
    `Its possible states there: ${list(states, 'first')}.`,
    '',
    core.length === 1
      ? `This one of ${total} operations contradicts the model, whichever of the others happened:`
      : `These ${core.length} of ${total} operations contradict each other, whichever of the others happened:`,
    ...(core.length > drawnMax ? [`  … ${core.length - drawnMax} earlier`] : []),
    ...drawTimeline(drawn, { describe, mark: (operation) => marks.get(operation) ?? '' }),
    ...(support.length > 0 ? ['  (· not part of the contradiction, for orientation)'] : []),
    '',
    `Explained until then: ${prefix.length}${prefix.length > 0 ? `, in the order ${list(prefix.map(named), 'last')}` : ''}.`,
    `Not placed: ${list(unplaced.map(named), 'first')}.`,
  ].join('\n')
}

function list(items: readonly string[], shown: 'first' | 'last'): string {
  if (items.length <= listedMax) return items.join(', ')
  return shown === 'first' ? `${items.slice(0, listedMax).join(', ')}, …` : `…, ${items.slice(-listedMax).join(', ')}`
}
