import { millis } from '#base/brand.ts'
import { setLease } from './grants.ts'
import { detachHold, waitsOf } from './links.ts'
import type { Hold } from './records.ts'
import { grantOf, refOf, refuse } from './reports.ts'
import { forgetIfIdle } from './state.ts'
import type { Step } from './state.ts'
import type { HoldEnd } from './types.ts'
import { endWait } from './waits.ts'

/** The lock is gone, and so is an upgrade that builds on it. */
export function endHold(step: Step, hold: Hold, reason: HoldEnd): void {
  const { resource, owner } = hold
  const { client } = owner
  const upgrade = waitsOf(client).find((wait) => wait.upgrade && wait.owner === owner && wait.places[0]?.resource === resource)
  if (upgrade !== undefined) endWait(step, upgrade, refuse(isReleased(reason) ? 'withdrawn' : 'hold_ended'))
  setLease(step, hold, 0)
  detachHold(step.state, hold)
  step.touched.add(resource)
  step.events.push({ type: 'hold-ended', owner: refOf(owner), grant: grantOf(hold), reason })
  if (reason === 'lease-expired' || reason === 'session-expired') close(step, hold)
  if (client.held === 0) client.wounded = false
  forgetIfIdle(step.state, client)
}

const isReleased = (reason: HoldEnd): boolean => reason === 'released' || reason === 'released-elsewhere'

/** A lock that was lost, not given back, leaves its resource closed for a while: the former holder may still be at work (decision L11). */
function close({ state, context }: Step, { resource, lockDelayMs, token }: Hold): void {
  const at = millis(context.time + lockDelayMs)
  if (lockDelayMs === 0 || (resource.closure !== null && resource.closure.at >= at)) return
  if (resource.closure !== null) state.deadlines.remove(resource.closure)
  resource.closure = { type: 'closure', resource, at, id: token, slot: -1 }
  state.deadlines.push(resource.closure)
}
