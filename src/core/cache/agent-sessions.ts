import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { dirtyIn, setWriteBack } from './agent-flush.ts'
import type { Activity, AgentState } from './agent-state.ts'
import { clean, mayHaveChanged, move } from './agent-state.ts'
import { advance, closeRequest, oldestOf, send } from './agent-requests.ts'
import type { Slot } from './agent-slot.ts'
import { endLease } from './agent-slot.ts'
import type { Push } from './messages.ts'
import type { HomeTerm, SessionId } from './types.ts'

/**
 * Leases (rule 8), and what an agent does when it has none any more (rule 9) or when its slot has a new home (rule 10).
 *
 * A lease counts from when the agent asked for it, not from when the answer came: the home cannot have counted from any earlier moment.
 */

/**
 * Decision C3: the home's own agent has no lease but that of the leader. While that is over nothing is used, and the session stays: the home never
 * takes it for over, and if the lease of this very term comes back, nobody else was home in between.
 */
export function lead(state: AgentState, slot: Slot, term: HomeTerm, until: Millis): void {
  if (term !== slot.term) return
  const wasOver = state.now >= slot.usableUntil
  slot.local = true
  slot.leaseUntil = until
  if (slot.standing.type !== 'open') return
  slot.usableUntil = until
  if (wasOver && state.now < until) resume(state, slot)
}

/** The lease has been over for so long that the session is given up. Until then the home may renew it, if nobody wanted what is here. */
export const hasLapsed = ({ now, limits }: AgentState, { standing, local, leaseUntil }: Slot): boolean =>
  standing.type === 'open' && !local && now >= leaseUntil + limits.lingerMs

function lease(state: AgentState, slot: Slot, sentAt: Millis): void {
  if (slot.local) {
    slot.usableUntil = slot.leaseUntil
    return
  }
  const until = millis(sentAt + state.limits.leaseMs - state.limits.marginMs)
  slot.leaseUntil = millis(Math.max(slot.leaseUntil, until))
  slot.usableUntil = slot.leaseUntil
}

/**
 * One that answers what was asked before a pause says nothing about the time since. One that comes when the lease was over already brings back all that was under it: the
 * home has not closed the session, so nobody was granted anything that this agent stands in the way of (rule 7).
 */
export function renewed(state: AgentState, slot: Slot, sentAt: Millis): void {
  const suspended = slot.usableUntil < slot.leaseUntil
  if (suspended && sentAt < slot.askedAt) return
  const wasOver = state.now >= slot.usableUntil
  lease(state, slot, sentAt)
  if (wasOver && state.now < slot.usableUntil) resume(state, slot)
}

/** A slot has another home. What is dirty goes to it, everything else is dropped. */
export function meetHome(state: AgentState, slot: Slot, term: HomeTerm): void {
  if (term <= slot.term) return
  const { standing } = slot
  if (hasLapsed(state, slot)) lapse(state, slot)
  const session = slot.standing.type === 'open' || slot.standing.type === 'arriving' ? slot.standing.session : null
  const isOpen = slot.standing.type === 'open'
  const alive = isOpen && state.now < slot.leaseUntil
  if (isOpen && !alive) loseDirty(state, slot)
  // They are told with the grants of the term in which they were written.
  const pushes = alive ? pushesOf(state, slot) : standing.type === 'arriving' ? standing.pushes.map(taken) : []
  slot.term = term
  slot.local = false
  slot.settlingUntil = millis(-Infinity)
  if (isOpen) dropLines(state, slot)
  if (session !== null) slot.standing = { type: 'arriving', session, pushes }
  else if (standing.type === 'opening') slot.nonce++
  endLease(slot)
  for (const activity of activitiesOf(state, slot)) advance(state, activity)
  greet(state, slot)
}

const pushesOf = (state: AgentState, slot: Slot): readonly Push[] =>
  dirtyIn(state, slot.id).map(({ key, dirty: { grant, sequence, value }, held, carriedBy }) => ({
    key,
    version: { term: slot.term, grant, sequence },
    value,
    held,
    carriedBy,
  }))

/** The home in between may have taken it, and given the key to others since. */
const taken = (push: Push): Push => ({ ...push, held: false })

/** Asks the home to open, welcome or renew, according to how things stand. */
export function greet(state: AgentState, slot: Slot): void {
  const { now: sentAt } = state
  const { id, term, standing, nonce } = slot
  if (term === 0) return
  slot.askedAt = sentAt
  if (standing.type === 'opening') state.send.push({ type: 'open', slot: id, term, agent: state.id, nonce, sentAt })
  else if (standing.type === 'arriving') {
    const { session, pushes } = standing
    state.send.push({ type: 'arrive', slot: id, term, session, pushes, sentAt })
  } else if (standing.type === 'open') {
    state.send.push({ type: 'renew', slot: id, term, session: standing.session, oldest: oldestOf(state, slot), sentAt })
  }
}

/** Somebody wants something of the slot. */
export function wantSession(state: AgentState, slot: Slot): void {
  if (slot.standing.type !== 'apart') return
  slot.standing = { type: 'opening' }
  slot.nonce++
  greet(state, slot)
}

export function opened(state: AgentState, slot: Slot, session: SessionId, sentAt: Millis): void {
  slot.standing = { type: 'open', session }
  endLease(slot)
  lease(state, slot, sentAt)
  resume(state, slot)
  // The answer took longer than the lease.
  if (state.now >= slot.usableUntil) greet(state, slot)
}

/** The home goes on where the last one stopped: it has all that was pushed. */
export function welcomed(state: AgentState, slot: Slot, session: SessionId, sentAt: Millis): void {
  for (const activity of activitiesOf(state, slot)) setWriteBack(activity, null)
  opened(state, slot, session, sentAt)
}

function resume(state: AgentState, slot: Slot): void {
  for (const activity of activitiesOf(state, slot)) {
    const { request } = activity
    if (request?.body.type === 'write') {
      request.sentAt = state.now
      send(state, activity, request)
    } else advance(state, activity)
  }
}

const activitiesOf = (state: AgentState, slot: Slot): Activity[] =>
  [...state.activities.values()].filter((activity) => activity.slot === slot)

function dropLines(state: AgentState, slot: Slot): void {
  for (const line of state.lines.byKey.values()) {
    if (line.slot !== slot) continue
    clean(state, line)
    move(state, line, 'lapse')
  }
  for (const [key, of] of state.unheld) {
    if (of !== slot) continue
    state.unheld.delete(key)
    mayHaveChanged(state, key)
  }
  for (const activity of activitiesOf(state, slot)) {
    activity.flush = false
    const { request } = activity
    // A write keeps its number, under which memory knows it, but not the right that it was made under.
    if (request === null) continue
    if (request.body.type === 'write') activity.request = { ...request, body: { ...request.body, held: null, dirty: null } }
    else {
      activity.reads.unshift(...request.reads)
      closeRequest(activity)
    }
  }
}

/** The leadership ended under which this agent lived. What it owned somebody else may have been granted since. */
function loseDirty(state: AgentState, slot: Slot): void {
  state.counters.lapses++
  state.counters.lost += slot.dirtyLines
  for (const activity of activitiesOf(state, slot)) setWriteBack(activity, null)
}

/** Values at the level `owner` that memory is not known to have: what is here, and what of lines that are gone was told to a home that has not said that it has it. */
export function owedLines({ activities }: AgentState, { dirtyLines, standing }: Slot): number {
  if (standing.type !== 'arriving') return dirtyLines
  return dirtyLines + standing.pushes.filter(({ key }) => (activities.get(key)?.writeBack ?? null) === null).length
}

/** The session is over. Nobody knows what became of its writes, and what memory was not told of is lost (rule 9). */
export function lapse(state: AgentState, slot: Slot): void {
  state.counters.lapses++
  state.counters.lost += owedLines(state, slot)
  endLease(slot)
  dropLines(state, slot)
  slot.standing = { type: 'apart' }
  for (const activity of activitiesOf(state, slot)) {
    setWriteBack(activity, null)
    for (const { id } of activity.request?.writes ?? [])
      state.answers.push({ type: 'changed', id, outcome: { type: 'unknown' }, invalidated: 0 })
    closeRequest(activity)
    advance(state, activity)
  }
  if (activitiesOf(state, slot).length > 0) wantSession(state, slot)
}

/** To all homes; what still comes from them means nothing any more. */
export function leave(state: AgentState): void {
  for (const slot of state.slots.values()) {
    const { standing, id, term } = slot
    if (standing.type === 'open' || standing.type === 'arriving')
      state.send.push({ type: 'leave', slot: id, term, session: standing.session })
    state.counters.lost += owedLines(state, slot)
    endLease(slot)
    dropLines(state, slot)
    slot.standing = { type: 'apart' }
    for (const activity of activitiesOf(state, slot)) {
      setWriteBack(activity, null)
      closeRequest(activity)
    }
  }
  state.activities.clear()
}
