import { assert } from '#base/assert.ts'
import type { Operation } from './history.ts'

interface Drawing<Input, Output> {
  describe(operation: Operation<Input, Output>): string
  /** Stands behind the operation's line. */
  mark(operation: Operation<Input, Output>): string
}

const widthMax = 72

/**
 * One line for each operation, by call time: client, operation, and a bar from call to return. Columns are ranks of events, not lengths of
 * time: only the order matters. A bar that ends in `…` has no known end.
 */
export function drawTimeline<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  drawing: Drawing<Input, Output>,
): readonly string[] {
  const byCall = operations.toSorted((left, right) => left.calledAt - right.calledAt)
  const columns = columnsOf(byCall)
  const clientWidth = Math.max(...byCall.map(({ client }) => client.length))
  const textWidth = Math.max(...byCall.map((operation) => drawing.describe(operation).length))
  return byCall.map((operation) => {
    const client = operation.client.padEnd(clientWidth)
    const text = drawing.describe(operation).padEnd(textWidth)
    const bar = drawBar(operation, columns)
    return `  ${client}  ${text}  ${bar} ${drawing.mark(operation)}`.trimEnd()
  })
}

function columnsOf<Input, Output>(operations: readonly Operation<Input, Output>[]): ReadonlyMap<number, number> {
  const times = operations.flatMap(({ calledAt, outcome }) => (outcome.type === 'returned' ? [calledAt, outcome.at] : [calledAt]))
  const events = [...new Set(times)].sort((left, right) => left - right)
  const spacing = Math.max(1, Math.min(4, Math.floor(widthMax / events.length)))
  return new Map(events.map((at, rank) => [at, rank * spacing]))
}

function drawBar<Input, Output>({ calledAt, outcome }: Operation<Input, Output>, columns: ReadonlyMap<number, number>): string {
  const start = columns.get(calledAt)
  const end = outcome.type === 'returned' ? columns.get(outcome.at) : Math.max(...columns.values()) + 2
  assert(start !== undefined && end !== undefined && start <= end, 'every event has a column')
  const indent = ' '.repeat(start)
  if (start === end) return `${indent}│`
  return `${indent}├${'─'.repeat(end - start - 1)}${outcome.type === 'returned' ? '┤' : '…'}`
}
