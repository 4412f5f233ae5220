import { present } from '#base/assert.ts'
import { avoidDeadlock } from './deadlocks.ts'
import { fits, fitsUpgrade, grant, grantWaiting } from './grants.ts'
import { attemptOf, isRefused, knownOf, ownersOf } from './owners.ts'
import type { Client, Hold, Owner, Resource, Wait } from './records.ts'
import { grantedAnswer, queuedAnswer, refuse, timedOutAnswer } from './reports.ts'
import { forgetIfIdle, ownOwnerOf, resourceOf } from './state.ts'
import type { LockState, Step } from './state.ts'
import type { Acquire, Item, LockAnswer, RefusalCode } from './types.ts'
import { enqueue, renewWait, takeVerdict, withdraw } from './waits.ts'
import type { WaitTerms } from './waits.ts'

/** Grants, queues or refuses a request; or reports how one stands that was sent before. */
export function acquire(step: Step, command: Acquire): LockAnswer {
  const { state } = step
  const owners = ownersOf(state, command.owner)
  if (isRefused(owners)) return owners
  const known = knownOf(state, owners, command.items)
  switch (known.type) {
    case 'held':
      // Who asked before may have been told of it, so no cancellation may give it back any more.
      for (const hold of known.holds) hold.attempt = null
      return grantedAnswer(step, known.holds)
    case 'waiting':
      return askAgain(step, command, known.wait)
    case 'conflicting':
      return refuse('conflicting_request')
    case 'upgradable':
      return takeVerdict(state, owners, command.items) ?? requestUpgrade(step, command, known.hold)
    case 'nothing':
      return takeVerdict(state, owners, command.items) ?? request(step, command, owners)
  }
}

/** It keeps its place. A request that would not wait only looks. */
function askAgain(step: Step, command: Acquire, wait: Wait): LockAnswer {
  const { owner } = wait
  if (owner.session === null && isEndless(command)) return refuse('invalid', 'ttlMs')
  if (command.waitMs !== 0) renewWait(step, wait, termsOf(step.state, command, owner))
  return queuedAnswer(step, wait)
}

function request(step: Step, command: Acquire, owners: readonly Owner[]): LockAnswer {
  const { state } = step
  const { items, owner: ref } = command
  const client = state.clients.get(ref.client)
  if (client?.wounded === true) return refuse('wounded')
  const over = overLimit(state, client, items)
  if (over !== null) return refuse(over)
  const isFree = items.every((item) => isFreeFor(state.resources.get(item.resource), item))
  if (!isFree) {
    const refusal = mayNotWait(step, command, client)
    if (refusal !== null) return refusal
  }
  const owner = ref.session === null ? ownOwnerOf(state, ref.client) : present(owners[0], 'a request under a session speaks for one owner')
  const wanted = items.map(({ resource, mode }) => ({ resource: resourceOf(state, resource), mode }))
  if (isFree) return grant(step, owner, wanted, { ...command, attempt: attemptOf(state, command.identity) })
  return decide(step, enqueue(step, owner, wanted, { ...termsOf(state, command, owner), upgrade: false }))
}

/** It goes ahead of the queue. Even if it can be granted at once, those in the queue may be kept waiting by more than before. */
function requestUpgrade(step: Step, command: Acquire, hold: Hold): LockAnswer {
  const { owner, resource } = hold
  if (owner.client.wounded) return refuse('wounded')
  const refusal = fitsUpgrade(resource) ? null : mayNotWait(step, command, owner.client)
  if (refusal !== null) return refusal
  const wanted = [{ resource, mode: 'exclusive' as const }]
  return decide(step, enqueue(step, owner, wanted, { ...termsOf(step.state, command, owner), upgrade: true }))
}

/** A request that must wait is looked at in its place, and taken out again when it would close a cycle. */
function decide(step: Step, wait: Wait): LockAnswer {
  const refusal = avoidDeadlock(step, wait)
  if (refusal !== null) {
    withdraw(step, wait)
    forgetIfIdle(step.state, wait.owner.client)
    return refusal
  }
  grantWaiting(step)
  return wait.answer ?? queuedAnswer(step, wait)
}

const isFreeFor = (resource: Resource | undefined, { mode }: Item): boolean =>
  resource === undefined || (resource.firstPlace === null && fits(resource, mode))

function overLimit({ limits, resources }: LockState, client: Client | undefined, items: readonly Item[]): RefusalCode | null {
  if (client !== undefined && client.held + client.wanted + items.length > limits.locksPerClientMax) return 'too_many_locks'
  const known = items.map(({ resource, mode }) => ({ mode, holdCount: resources.get(resource)?.holdCount ?? null }))
  const added = known.filter(({ holdCount }) => holdCount === null).length
  if (resources.size + added > limits.resourcesMax) return 'too_many_resources'
  const isCrowded = known.some(({ mode, holdCount }) => mode === 'shared' && (holdCount ?? 0) >= limits.holdersPerResourceMax)
  return isCrowded ? 'too_many_holders' : null
}

function mayNotWait(step: Step, command: Acquire, client: Client | undefined): LockAnswer | null {
  const { limits, resources } = step.state
  const { items, waitMs } = command
  const known = items.map(({ resource }) => resources.get(resource)).filter((resource) => resource !== undefined)
  if (waitMs === 0) return timedOutAnswer(step, known)
  if (command.owner.session === null && isEndless(command)) return refuse('invalid', 'ttlMs')
  if (known.some(({ placeCount }) => placeCount >= limits.waitersPerResourceMax)) return refuse('queue_full')
  if (client !== undefined && client.waitCount >= limits.waitsPerClientMax) return refuse('too_many_waits')
  return null
}

/** In the background and without a ttl: only a session would ever end the wait. */
const isEndless = ({ waitMs, ttlMs }: Acquire): boolean => waitMs === null && ttlMs === 0

/**
 * Who waits for a limited time is there to be told, and so is a session that waits for itself: the wait belongs to that request. One in
 * the background that a node passed on does not end with the node.
 */
function termsOf(state: LockState, { identity, ttlMs, lockDelayMs, waitMs }: Acquire, owner: Owner): WaitTerms {
  const attempt = attemptOf(state, identity)
  const isTold = waitMs !== null || attempt?.session === owner.session
  const backgroundMs = owner.session === null ? ttlMs : null
  return { ttlMs, lockDelayMs, lifeMs: waitMs ?? backgroundMs, attempt: isTold ? attempt : null }
}
