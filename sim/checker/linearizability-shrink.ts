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
 * stuck, the operation was not needed, and one that is needed stays needed when others are spared. First the shortest tail is sought that
 * is enough (of 1, 2, 4 … operations), since most contradictions are local; then its halves, quarters and so on are spared, at last
 * single operations.
 */
export function shrink<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  { stuck, workMax }: { readonly stuck: Stuck<Input, Output>; readonly workMax: number },
): Shrunk<Input, Output> {
  const before = new Set(operations.filter(({ calledAt }) => calledAt <= stuck.deadline))
  let workLeft = workMax
  let order = stuck.order
  function isStuck(core: ReadonlySet<Operation<Input, Output>>): boolean {
    const problem = problemOf(model, [...before], before.difference(core))
    const result = searchOrder(problem, Math.min(workLeft, workMax / searches))
    workLeft -= result.work
    if (result.type === 'stuck') order = result.stuck.order
    return result.type === 'stuck'
  }

  const returned = returnedUpTo(stuck.deadline, operations)
  let core = new Set(returned)
  for (let size = 1; size < returned.length; size *= 2) {
    const tail = new Set(returned.slice(-size))
    if (!isStuck(tail)) continue
    core = tail
    break
  }
  for (let size = Math.ceil(core.size / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (const chunk of chunksOf([...core], size)) {
      const without = core.difference(new Set(chunk))
      if (isStuck(without)) core = without
    }
  }
  return { core: [...core].sort((left, right) => left.calledAt - right.calledAt), order }
}

/** By return time. */
function returnedUpTo<Input, Output>(end: number, operations: readonly Operation<Input, Output>[]): readonly Operation<Input, Output>[] {
  const returned = operations.flatMap((operation) => {
    const { outcome } = operation
    return outcome.type === 'returned' && outcome.at <= end ? [{ operation, at: outcome.at }] : []
  })
  return returned.sort((left, right) => left.at - right.at).map(({ operation }) => operation)
}

function* chunksOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
