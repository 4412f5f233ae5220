import type { Operation } from './history.ts'
import { type Model, unanswered } from './linearizability-model.ts'
import { searchOrder, type Stuck } from './linearizability-search.ts'

export interface Shrunk<Input, Output> {
  /** Operations that contradict each other whatever all others did; none can be spared (unless the work limit was met). By call time. */
  readonly core: readonly Operation<Input, Output>[]
  /** An order that explains the core but for the culprit, with the other operations it needs. */
  readonly order: readonly Operation<Input, Output>[]
}

/** One search may use this part of the work, so that a hard one does not end the others. */
const attempts = 50

/**
 * Finds the few operations of a violation that make it one.
 *
 * To *relax* an operation is to take what it answered out of the evidence: a read is forgotten, another one becomes an operation of
 * unknown outcome. That only ever makes more orders possible, so when the rest is still stuck, the operation was not needed; and one that
 * is needed stays needed when others are relaxed. Halves, quarters and so on are tried first, then single operations, the oldest first.
 */
export function shrink<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  { stuck, workMax }: { readonly stuck: Stuck<Input, Output>; readonly workMax: number },
): Shrunk<Input, Output> {
  const end = stuck.culpritReturnedAt
  const before = operations.filter(({ calledAt }) => calledAt <= end).toSorted((left, right) => left.calledAt - right.calledAt)
  const originals = new Map(before.map((operation) => [relax(operation), operation]))
  const relaxed = [...originals.keys()].filter(({ input }) => model.effect(input, unanswered) !== 'read')

  let workLeft = workMax
  let order = stuck.order
  function isStuck(core: ReadonlySet<Operation<Input, Output>>): boolean {
    const others = relaxed.filter((copy) => !core.has(original(copy)))
    const result = searchOrder(model, [...core, ...others], Math.min(workLeft, workMax / attempts))
    workLeft -= result.work
    if (result.type === 'stuck') order = result.stuck.order.map(original)
    return result.type === 'stuck'
  }
  function original(copy: Operation<Input, Output>): Operation<Input, Output> {
    return originals.get(copy) ?? copy
  }

  let core = new Set(before.filter(({ outcome }) => outcome.type === 'returned' && outcome.at <= end))
  for (let size = Math.ceil(core.size / 2); ; size = Math.ceil(size / 2)) {
    for (const chunk of chunksOf([...core], size)) {
      const without = core.difference(new Set(chunk))
      if (isStuck(without)) core = without
    }
    if (size === 1) break
  }
  return { core: [...core], order }
}

function relax<Input, Output>(operation: Operation<Input, Output>): Operation<Input, Output> {
  return { ...operation, outcome: { type: 'unknown' } }
}

function* chunksOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
