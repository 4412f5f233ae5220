import type { Client, Hold, Owner, Place, Resource, Wait } from './records.ts'
import type { LockState } from './state.ts'
import type { LockMode } from './types.ts'

/** Puts locks and waits where they are found, and takes them away again. */

/** Upgrades have negative orders, so they are before all others. */
const upgradeOrder = -(2 ** 52)

/** Looking through so few holders is faster than an index, and most resources have one. */
const scannedMax = 8

export function holdOf({ firstHold, byOwner }: Resource, owner: Owner): Hold | null {
  if (byOwner !== null) return byOwner.get(owner) ?? null
  for (let hold = firstHold; hold !== null; hold = hold.after) if (hold.owner === owner) return hold
  return null
}

/** In no order that means anything. */
export function locksOf({ firstHold }: Owner): Hold[] {
  const holds: Hold[] = []
  for (let hold = firstHold; hold !== null; hold = hold.ownerAfter) holds.push(hold)
  return holds
}

/** Ascending by number. */
export function waitsOf({ firstWait }: Client): Wait[] {
  const waits: Wait[] = []
  for (let wait = firstWait; wait !== null; wait = wait.after) waits.push(wait)
  return waits
}

/** Neither attached nor leased yet. */
export function newHold(fields: Omit<Hold, 'lease' | 'before' | 'after' | 'ownerBefore' | 'ownerAfter'>): Hold {
  const { resource, owner, mode, token, index, lockDelayMs, attempt } = fields
  return {
    resource,
    owner,
    mode,
    token,
    index,
    lockDelayMs,
    lease: null,
    attempt,
    before: null,
    after: null,
    ownerBefore: null,
    ownerAfter: null,
  }
}

export function attachHold(state: LockState, hold: Hold): void {
  const { resource, owner } = hold
  hold.before = resource.lastHold
  if (resource.lastHold === null) resource.firstHold = hold
  else resource.lastHold.after = hold
  resource.lastHold = hold
  resource.holdCount++
  indexByOwner(resource, hold)
  hold.ownerAfter = owner.firstHold
  if (owner.firstHold !== null) owner.firstHold.ownerBefore = hold
  owner.firstHold = hold
  owner.client.held++
  state.held++
}

export function detachHold(state: LockState, hold: Hold): void {
  const { resource, owner, before, after, ownerBefore, ownerAfter } = hold
  if (before === null) resource.firstHold = after
  else before.after = after
  if (after === null) resource.lastHold = before
  else after.before = before
  resource.holdCount--
  resource.byOwner?.delete(owner)
  if (ownerBefore === null) owner.firstHold = ownerAfter
  else ownerBefore.ownerAfter = ownerAfter
  if (ownerAfter !== null) ownerAfter.ownerBefore = ownerBefore
  owner.client.held--
  state.held--
}

function indexByOwner(resource: Resource, added: Hold): void {
  if (resource.byOwner !== null) resource.byOwner.set(added.owner, added)
  else if (resource.holdCount > scannedMax) {
    resource.byOwner = new Map()
    for (let hold = resource.firstHold; hold !== null; hold = hold.after) resource.byOwner.set(hold.owner, hold)
  }
}

/** Neither attached nor timed yet. */
export function newWait(fields: Omit<Wait, 'places' | 'deadline' | 'answer' | 'before' | 'after'>, wanted: readonly Wanted[]): Wait {
  const { number, index, owner, upgrade, ttlMs, lockDelayMs, attempt } = fields
  const places: Place[] = []
  const wait: Wait = {
    number,
    index,
    owner,
    places,
    upgrade,
    ttlMs,
    lockDelayMs,
    deadline: null,
    attempt,
    answer: null,
    before: null,
    after: null,
  }
  const order = upgrade ? upgradeOrder + number : number
  for (const { resource, mode } of wanted) places.push({ wait, resource, mode, order, before: null, after: null })
  return wait
}

export interface Wanted {
  readonly resource: Resource
  readonly mode: LockMode
}

/** Takes a place in every queue it needs (decision L7): the last one, or for an upgrade the first. */
export function attachWait(state: LockState, wait: Wait): void {
  const { client } = wait.owner
  for (const place of wait.places) insert(place)
  wait.before = client.lastWait
  if (client.lastWait === null) client.firstWait = wait
  else client.lastWait.after = wait
  client.lastWait = wait
  client.waitCount++
  client.wanted += wait.places.length
  state.waiting++
  if (wait.attempt !== null) wait.attempt.session.outcomes.pending.set(wait.attempt.sequence, wait)
}

export function detachWait(state: LockState, wait: Wait): void {
  const { before, after } = wait
  const { client } = wait.owner
  for (const place of wait.places) removePlace(place)
  if (before === null) client.firstWait = after
  else before.after = after
  if (after === null) client.lastWait = before
  else after.before = before
  client.waitCount--
  client.wanted -= wait.places.length
  state.waiting--
  if (wait.attempt !== null) wait.attempt.session.outcomes.pending.delete(wait.attempt.sequence)
}

function insert(place: Place): void {
  const { resource } = place
  let before = resource.lastPlace
  if (place.order < 0) {
    before = null
    for (let other = resource.firstPlace; other !== null && other.order < place.order; other = other.after) before = other
  }
  const after = before === null ? resource.firstPlace : before.after
  place.before = before
  place.after = after
  if (before === null) resource.firstPlace = place
  else before.after = place
  if (after === null) resource.lastPlace = place
  else after.before = place
  resource.placeCount++
}

function removePlace(place: Place): void {
  const { resource, before, after } = place
  if (before === null) resource.firstPlace = after
  else before.after = after
  if (after === null) resource.lastPlace = before
  else after.before = before
  resource.placeCount--
}
