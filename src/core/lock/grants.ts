import { assert } from '#base/assert.ts'
import { millis } from '#base/brand.ts'
import { attachHold, holdOf, newHold } from './links.ts'
import type { Wanted } from './links.ts'
import type { Hold, Owner, Place, Resource, SessionAttempt, Wait } from './records.ts'
import { grantedAnswer, refOf } from './reports.ts'
import { forgetResource } from './state.ts'
import type { Step } from './state.ts'
import type { Granted, LockMode } from './types.ts'
import { concludeWait } from './waits.ts'

/**
 * The grant rule: a request is granted when it fits beside the holders and nobody is in front of it, in every queue it has a place in. FIFO
 * is absolute, so nobody starves and nobody passes, not even where a resource then idles (decisions L4, L7).
 */
export function fits(resource: Resource, mode: LockMode): boolean {
  if (resource.closure !== null) return false
  return resource.firstHold === null || (mode === 'shared' && resource.firstHold.mode === 'shared')
}

/** An upgrade waits for all holders but its own lock. */
export const fitsUpgrade = (resource: Resource): boolean => resource.closure === null && resource.holdCount === 1

/** The first of the holders in the way of a request: then all of them are, but for the lock that it is meant to upgrade. */
export function firstInTheWay({ firstHold }: Resource, mode: LockMode): Hold | null {
  return mode === 'shared' && firstHold?.mode === 'shared' ? null : firstHold
}

/** The lock that a request is meant to upgrade. */
export function upgradedBy({ upgrade, owner, places }: Wait): Hold | null {
  const place = upgrade ? places[0] : undefined
  return place === undefined ? null : holdOf(place.resource, owner)
}

/** Whether a place in front of a request is for a lock that stands in its way. */
export const inTheWay = (place: Place, mode: LockMode): boolean => mode === 'exclusive' || place.mode === 'exclusive'

/** Grants whatever has become grantable, and forgets resources that nobody needs. The order is the same on every replica. */
export function grantWaiting(step: Step): void {
  for (const resource of step.touched) {
    // A grant may touch resources that were looked at before; they are looked at again, as they are added to the set again.
    step.touched.delete(resource)
    while (resource.firstPlace !== null && isGrantable(resource.firstPlace.wait)) grantWait(step, resource.firstPlace.wait)
    if (resource.holdCount === 0 && resource.placeCount === 0 && resource.closure === null) forgetResource(step.state, resource)
  }
}

function isGrantable({ places, upgrade }: Wait): boolean {
  return places.every((place) => isNext(place) && (upgrade ? fitsUpgrade(place.resource) : fits(place.resource, place.mode)))
}

const isNext = (place: Place): boolean => place.resource.firstPlace === place

function grantWait(step: Step, wait: Wait): void {
  const own = upgradedBy(wait)
  for (const place of wait.places) assert(isNext(place), 'nobody is passed')
  const answer = own === null ? grant(step, wait.owner, wait.places, wait) : grantUpgrade(step, own, wait)
  concludeWait(step, wait, answer)
}

interface LeaseTerms {
  readonly ttlMs: number
  readonly lockDelayMs: number
  readonly attempt: SessionAttempt | null
}

/** Everything at once, each with a token of its own (decision L6). */
export function grant(step: Step, owner: Owner, wanted: readonly Wanted[], terms: LeaseTerms): Granted {
  const { state, context } = step
  const holds = wanted.map(({ resource, mode }) => {
    assert(fits(resource, mode), 'what is granted fits beside the holders')
    const hold = newHold({ resource, owner, mode, token: state.nextToken(), index: context.index, lockDelayMs: 0, attempt: null })
    if (mode === 'exclusive') resource.lastExclusive = hold.token
    attachHold(state, hold)
    setTerms(step, hold, terms)
    return hold
  })
  return reportGrant(step, owner, holds)
}

function grantUpgrade(step: Step, hold: Hold, terms: LeaseTerms): Granted {
  assert(fitsUpgrade(hold.resource) && hold.resource.firstHold === hold, 'who upgrades is the only holder')
  hold.mode = 'exclusive'
  hold.token = step.state.nextToken()
  hold.resource.lastExclusive = hold.token
  // Who hangs up while it waits for more gives back nothing, for what it had before it was told of, and may be at work under it.
  setTerms(step, hold, { ...terms, attempt: null })
  return reportGrant(step, hold.owner, [hold])
}

function setTerms(step: Step, hold: Hold, { ttlMs, lockDelayMs, attempt }: LeaseTerms): void {
  const { session } = hold.owner
  hold.lockDelayMs = Math.max(lockDelayMs, session?.lockDelayMs ?? 0)
  hold.attempt = attempt
  if (session === null) setLease(step, hold, ttlMs)
}

/** A full lease from now on; 0 is one without end. */
export function setLease({ state, context }: Step, hold: Hold, ttlMs: number): void {
  if (hold.lease !== null) state.deadlines.remove(hold.lease)
  hold.lease = null
  if (ttlMs === 0) return
  hold.lease = { type: 'lease', hold, at: millis(context.time + ttlMs), id: hold.token, slot: -1 }
  state.deadlines.push(hold.lease)
}

function reportGrant(step: Step, owner: Owner, holds: readonly Hold[]): Granted {
  const answer = grantedAnswer(step, holds)
  step.events.push({ type: 'granted', owner: refOf(owner), grants: answer.grants })
  return answer
}
