import { endHold } from './endings.ts'
import { grantWaiting, setLease } from './grants.ts'
import { holdAt, isRefused, ownersOf, waitOn } from './owners.ts'
import type { Hold, Owner, Session, Wait } from './records.ts'
import { grantedAnswer, grantOf, refOf, refuse } from './reports.ts'
import type { Step } from './state.ts'
import type {
  Cancel,
  Downgrade,
  Extend,
  ForceRelease,
  Granted,
  Holder,
  LockAnswer,
  Proof,
  Refused,
  Release,
  ResourceName,
} from './types.ts'
import { endWait } from './waits.ts'

/** What is done to locks and waits that are there. A grant that it makes possible is part of the same entry. */

export function release(step: Step, command: Release): LockAnswer {
  const { resource, proof } = command
  const owners = ownersOf(step.state, command.owner)
  if (isRefused(owners)) return owners
  const hold = heldBy(step, owners, resource, proof)
  const wait = hold === undefined ? waitedForBy(owners, resource, proof) : undefined
  if (hold !== undefined) endHold(step, hold, isElsewhere(command, hold) ? 'released-elsewhere' : 'released')
  else if (wait !== undefined) endWait(step, wait, refuse('withdrawn'))
  else return proof.type === 'as-of' && hasAny(step, owners, resource) ? refuse('newer') : notHeld(step, resource)
  return releasedAnswer(step, resource)
}

const isElsewhere = ({ owner }: Release, hold: Hold): boolean => owner.session === null && hold.owner.session !== null

export function downgrade(step: Step, command: Downgrade): LockAnswer {
  const { resource, proof } = command
  const owners = ownersOf(step.state, command.owner)
  if (isRefused(owners)) return owners
  const hold = heldBy(step, owners, resource, proof)
  if (hold === undefined) return notHeld(step, resource)
  hold.mode = 'shared'
  step.touched.add(hold.resource)
  step.events.push({ type: 'downgraded', owner: refOf(hold.owner), grant: grantOf(hold) })
  return releasedAnswer(step, resource)
}

export function extend(step: Step, command: Extend): LockAnswer {
  const { resource, token, ttlMs } = command
  const owners = ownersOf(step.state, command.owner)
  if (isRefused(owners)) return owners
  const hold = heldBy(step, owners, resource, token === null ? anyGrant : { type: 'token', token })
  if (hold === undefined) return notHeld(step, resource)
  if (hold.owner.session !== null) return refuse('carried_by_session')
  setLease(step, hold, ttlMs)
  const { ttlMs: left, expiresAt } = grantedAnswer(step, [hold])
  return { type: 'extended', token: hold.token, ttlMs: left, expiresAt }
}

/** A late copy of an extension lengthens a lease, which does no harm. */
const anyGrant: Proof = { type: 'as-of', index: Infinity }

export function forceRelease(step: Step, { resource: name, client }: ForceRelease): LockAnswer {
  const resource = step.state.resources.get(name)
  if (resource === undefined) return refuse('unknown_resource')
  const holds: Hold[] = []
  for (let hold = resource.firstHold; hold !== null; hold = hold.after) {
    if (client === null || hold.owner.client.id === client) holds.push(hold)
  }
  if (client !== null && holds.length === 0) return refuse('not_holder')
  for (const hold of holds) endHold(step, hold, 'forced')
  return releasedAnswer(step, name)
}

/**
 * Decision L3: the place of this command in the log decides. Before the request itself, it is never carried out; before the grant, it leaves
 * the queue; after the grant, the answer says so, or the lock is given back when nobody is left to be told.
 */
export function cancel(step: Step, { attempt, ifGranted }: Cancel): LockAnswer {
  const session = step.state.sessions.get(attempt.session)
  if (session === undefined) return refuse('session_lost')
  const { sequence } = attempt
  const outcome = session.outcomes.find(sequence)
  switch (outcome.type) {
    case 'pending':
      endWait(step, outcome.wait, { type: 'cancelled' })
      return { type: 'cancelled' }
    case 'new':
      session.outcomes.record(sequence, { type: 'cancelled' }, step.state.limits.answersPerSessionMax)
      return { type: 'cancelled' }
    case 'forgotten':
      return refuse('already_answered')
    case 'answered':
      if (outcome.answer.type !== 'granted' || ifGranted === 'keep') return outcome.answer
      return giveBack(step, session, sequence, outcome.answer)
  }
}

/** Unless another request was told of the grants since. */
function giveBack(step: Step, session: Session, sequence: number, granted: Granted): LockAnswer {
  const holds = granted.grants
    .map(({ resource, token }) => holdWith(step, resource, token))
    .filter((hold) => hold?.attempt?.session === session && hold.attempt.sequence === sequence)
  if (holds.length === 0) return granted
  for (const hold of holds) if (hold !== undefined) endHold(step, hold, 'abandoned')
  session.outcomes.record(sequence, { type: 'cancelled' }, step.state.limits.answersPerSessionMax)
  return { type: 'cancelled' }
}

function holdWith(step: Step, name: ResourceName, token: number): Hold | undefined {
  for (let hold = step.state.resources.get(name)?.firstHold ?? null; hold !== null; hold = hold.after) {
    if (hold.token === token) return hold
  }
  return undefined
}

function heldBy(step: Step, owners: readonly Owner[], resource: ResourceName, proof: Proof): Hold | undefined {
  return owners
    .map((owner) => holdAt(step.state, owner, resource))
    .filter((hold) => hold !== null)
    .find((hold) => (proof.type === 'token' ? hold.token === proof.token : hold.index <= proof.index))
}

function waitedForBy(owners: readonly Owner[], resource: ResourceName, proof: Proof): Wait | undefined {
  if (proof.type === 'token') return undefined
  return owners.map((owner) => waitOn(owner, [{ resource }])).find((wait) => wait !== undefined && wait.index <= proof.index)
}

const hasAny = (step: Step, owners: readonly Owner[], resource: ResourceName): boolean =>
  heldBy(step, owners, resource, anyGrant) !== undefined || waitedForBy(owners, resource, anyGrant) !== undefined

const notHeld = ({ state }: Step, resource: ResourceName): Refused =>
  refuse(state.resources.get(resource) === undefined ? 'unknown_resource' : 'not_holder')

function releasedAnswer(step: Step, resource: ResourceName): LockAnswer {
  const from = step.events.length
  grantWaiting(step)
  const grantedTo = step.events.slice(from).flatMap((event): Holder[] => {
    if (event.type !== 'granted') return []
    const { client } = event.owner
    return event.grants.filter((grant) => grant.resource === resource).map(({ mode, token }) => ({ client, mode, token }))
  })
  return { type: 'released', grantedTo: grantedTo.slice(0, step.state.limits.listedMax) }
}
