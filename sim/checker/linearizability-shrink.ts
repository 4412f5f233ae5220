import type { Operation } from './history.ts'
import type { Model } from './linearizability-model.ts'
import { problemOf } from './linearizability-problem.ts'
import { searchOrder, type Stuck } from './linearizability-search.ts'

export interface Shrunk<Input, Output> {
  /** Contradict each other, whichever others happened; none can be spared (unless the work limit was met). By call time. */
  readonly core: readonly Operation<Input, Output>[]
  /** An order that explains the core but for its last return, with others that it needs. */
  readonly order: readonly Operation<Input, Output>[]
}

/** One search may do this part of the work, so that a hard one does not end the others. */
const searches = 50

/**
 * Finds the few operations of a violation that make it one.
 *
 * A *spared* operation did what it answered, or did not happen. Sparing only ever makes more orders possible: when the rest is still
 * stuck, the operation was not needed, and one that is needed stays needed when others are spared. Halves, quarters and so on are tried
 * first, then single operations, the oldest first.
 */
export function shrink<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  { stuck, workMax }: { readonly stuck: Stuck<Input, Output>; readonly workMax: number },
): Shrunk<Input, Output> {
  const before = operations.filter(({ calledAt }) => calledAt <= stuck.deadline).toSorted((left, right) => left.calledAt - right.calledAt)
  const all = new Set(before)
  let workLeft = workMax
  let order = stuck.order
  function isStuck(core: ReadonlySet<Operation<Input, Output>>): boolean {
    const result = searchOrder(problemOf(model, before, all.difference(core)), Math.min(workLeft, workMax / searches))
    workLeft -= result.work
    if (result.type === 'stuck') order = result.stuck.order
    return result.type === 'stuck'
  }

  let core = new Set(before.filter(({ outcome }) => outcome.type === 'returned' && outcome.at <= stuck.deadline))
  for (let size = Math.ceil(core.size / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (const chunk of chunksOf([...core], size)) {
      const without = core.difference(new Set(chunk))
      if (isStuck(without)) core = without
    }
  }
  return { core: [...core], order }
}

function* chunksOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
