import { assert, unreachable } from '#base/assert.ts'
import { endLease } from './receipts.ts'
import type { RecordHeap } from './record-heap.ts'
import type { RecordNumber, RecordState } from './records.ts'
import { dead, leased, moving, none, ready, scheduled } from './records.ts'
import { stepRedrives } from './redrive.ts'
import type { Step } from './state.ts'
import { makeReady, post, settle } from './transitions.ts'
import type { QueueAnswer } from './types.ts'

/**
 * Ends what is over by machine time, and what was scheduled for an instant that has come by the wall clock. Every replica reads both off the
 * entry, and does so before it carries the entry's command out, so a lease that has run out is never acted under.
 */
export function expireDue(step: Step): QueueAnswer {
  const { state, context } = step
  const { expiriesMax } = state.limits
  let count = 0
  for (const [heap, now] of [
    [state.deadlines, context.time],
    [state.instants, context.wall],
  ] as const) {
    for (let record = heap.peek(); isDue(step, record, now); record = heap.peek()) {
      if (count === expiriesMax) return { type: 'expired', count, more: true }
      end(step, heap, record)
      count++
    }
  }
  return { type: 'expired', count, more: stepRedrives(step) }
}

const isDue = ({ state }: Step, record: RecordNumber, now: number): boolean =>
  record !== none && (state.records.deadline[record] as number) <= now

function end(step: Step, heap: RecordHeap, record: RecordNumber): void {
  const { state } = step
  const current = state.records.state[record] as RecordState
  const partition = state.partitionOf(record)
  switch (current) {
    case scheduled:
      return makeReady(step, record)
    case ready:
      step.count(partition, 'expired')
      return settle(step, record)
    case leased:
      return endLease(step, record, partition.queue.definition.settings.expiryFails)
    case moving:
      heap.remove(record)
      return post(step, record)
    case dead:
      return assert(false, 'the dead have no deadline')
    default:
      return unreachable(current)
  }
}
