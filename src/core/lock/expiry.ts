import { unreachable } from '#base/assert.ts'
import { endHold } from './endings.ts'
import type { Deadline } from './records.ts'
import { resourcesOf, timedOutAnswer } from './reports.ts'
import type { Step } from './state.ts'
import type { LockAnswer } from './types.ts'
import { dropVerdict, endWait } from './waits.ts'

/**
 * Ends what is over by machine time, which every replica reads off the entry. The deadline itself tells a renewed lease from one that ran
 * out: a renewal that came first in the log has moved it (decision L1). Nothing is granted before all of it has ended.
 */
export function expireDue(step: Step): LockAnswer {
  const { state, context } = step
  let count = 0
  for (let first = state.deadlines.peek(); first !== undefined && first.at <= context.time; first = state.deadlines.peek()) {
    if (count === state.limits.expiriesMax) return { type: 'ended', count, more: true }
    end(step, first)
    count++
  }
  return { type: 'ended', count, more: false }
}

function end(step: Step, deadline: Deadline): void {
  switch (deadline.type) {
    case 'lease':
      return endHold(step, deadline.hold, 'lease-expired')
    case 'wait':
      return endWait(step, deadline.wait, timedOutAnswer(step, resourcesOf(deadline.wait)))
    case 'closure':
      step.state.deadlines.remove(deadline)
      deadline.resource.closure = null
      step.touched.add(deadline.resource)
      return undefined
    case 'verdict':
      return dropVerdict(step.state, deadline.verdict)
    default:
      return unreachable(deadline)
  }
}
