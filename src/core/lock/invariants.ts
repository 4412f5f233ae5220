import { assert } from '#base/assert.ts'
import type { Client, Deadline, Hold, Owner, Place, Resource, Session, Wait } from './records.ts'
import { locksOf, waitsOf } from './links.ts'
import type { LockState } from './state.ts'

/** What holds after every command; run by the simulator and by tests. Says everything in its own words, so as not to agree by mistake. */
export function checkInvariants(state: LockState): void {
  for (const resource of state.resources.values()) {
    assert(state.resources.get(resource.name) === resource, 'a resource is known by its name')
    checkResource(state, resource)
  }
  for (const client of state.clients.values()) {
    assert(state.clients.get(client.id) === client, 'a client is known by its name')
    checkClient(state, client)
  }
  for (const [id, session] of state.sessions) {
    assert(session.id === id, 'a session is known by its name')
    checkSession(session)
  }
  checkTotals(state)
  checkEverybodyCanFinish(state)
}

/** What only grows. */
export interface Marks {
  readonly token: number
  readonly waitNumber: number
  readonly deadlocksFound: number
  readonly time: number
}

export const marksOf = ({ token, waitNumber, deadlocksFound, time }: LockState): Marks => ({ token, waitNumber, deadlocksFound, time })

export function checkProgress(before: Marks, after: LockState): void {
  assert(after.token >= before.token && after.token <= Number.MAX_SAFE_INTEGER, 'tokens only grow (decision L6)')
  assert(after.waitNumber >= before.waitNumber, 'waits are numbered upwards')
  assert(after.deadlocksFound >= before.deadlocksFound, 'what was found stays found')
  assert(after.time >= before.time, 'machine time never goes back')
}

function holdsOf({ firstHold }: Resource): Hold[] {
  const holds: Hold[] = []
  for (let hold = firstHold; hold !== null; hold = hold.after) holds.push(hold)
  return holds
}

function placesOf({ firstPlace }: Resource): Place[] {
  const places: Place[] = []
  for (let place = firstPlace; place !== null; place = place.after) places.push(place)
  return places
}

const ownersOf = ({ own, sessions }: Client): Owner[] => [...(own === null ? [] : [own]), ...sessions.map(({ owner }) => owner)]

const conflict = (left: { readonly mode: string }, right: { readonly mode: string }): boolean =>
  left.mode === 'exclusive' || right.mode === 'exclusive'

function checkResource(state: LockState, resource: Resource): void {
  const [holds, places] = [holdsOf(resource), placesOf(resource)]
  assert(holds.length + places.length > 0 || resource.closure !== null, 'a resource that nobody needs is forgotten')
  assert(holds.length === resource.holdCount && places.length === resource.placeCount, 'holders and waiters are counted')
  assert(resource.lastHold === (holds.at(-1) ?? null) && resource.lastPlace === (places.at(-1) ?? null), 'lists end where they end')
  assert(resource.lastExclusive <= state.token, 'a token was given out')
  for (const [at, hold] of holds.entries()) {
    assert(hold.before === (holds[at - 1] ?? null), 'lists lead both ways')
    assert(hold.token > (holds[at - 1]?.token ?? 0) && hold.token <= state.token, 'tokens grow from holder to holder (decision L6)')
    assert(hold.token >= resource.lastExclusive, 'no holder is older than the last exclusive grant')
    assert(
      holds.every((other) => other === hold || !conflict(hold, other)),
      'mutual exclusion',
    )
    assert(locksOf(hold.owner).includes(hold) && isAlive(state, hold.owner), 'a holder is alive and knows what it holds')
    assert(hold.owner.session === null || hold.lease === null, 'a lock is carried by its session or by its own lease')
  }
  for (const [at, place] of places.entries()) checkPlace(state, place, places[at - 1] ?? null)
  const [first] = places
  assert(first === undefined || !couldBeGranted(first.wait), 'a waiter that nothing is in the way of is granted')
}

function checkPlace(state: LockState, place: Place, before: Place | null): void {
  const { wait, resource } = place
  assert(place.before === before && (before === null || before.order < place.order), 'a queue is in order (FIFO)')
  assert(wait.places.includes(place) && waitsOf(wait.owner.client).includes(wait), 'a place belongs to a wait of a client')
  assert(wait.answer === null && isAlive(state, wait.owner), 'only who is alive waits')
  assert(
    !wait.upgrade || (wait.places.length === 1 && locksOf(wait.owner).find((hold) => hold.resource === resource)?.mode === 'shared'),
    'an upgrade builds on a lock',
  )
  assert(!wait.upgrade || before === null, 'two upgrades of one resource are a deadlock')
  assert(wait.upgrade || locksOf(wait.owner).every((hold) => hold.resource !== resource), 'nobody waits for what it holds')
}

/** Nobody in front, and no holder in the way, anywhere. */
function couldBeGranted({ places, upgrade, owner }: Wait): boolean {
  return places.every(
    (place) =>
      place.before === null &&
      place.resource.closure === null &&
      holdsOf(place.resource).every((hold) => (upgrade && hold.owner === owner) || !conflict(hold, place)),
  )
}

const isAlive = (state: LockState, { client, session }: Owner): boolean =>
  state.clients.get(client.id) === client && (session === null || state.sessions.get(session.id) === session)

function checkClient(state: LockState, client: Client): void {
  const owners = ownersOf(client)
  const waits = waitsOf(client)
  assert(owners.length > 0, 'a client without anything is forgotten')
  assert(
    owners.every((owner) => owner.client === client),
    'an owner belongs to its client',
  )
  assert(
    client.sessions.every((session) => state.sessions.get(session.id) === session),
    'a client has only sessions that are open',
  )
  assert(client.held === sum(owners.map((owner) => locksOf(owner).length)), 'locks of a client are counted')
  assert(client.waitCount === waits.length && client.lastWait === (waits.at(-1) ?? null), 'waits of a client are counted')
  assert(client.wanted === sum(waits.map(({ places }) => places.length)), 'wishes of a client are counted')
  assert(!client.wounded || client.held > 0, 'who has released everything is wounded no more')
  for (const [at, wait] of waits.entries()) {
    assert(wait.before === (waits[at - 1] ?? null), 'lists lead both ways')
    assert(wait.number > (waits[at - 1]?.number ?? 0), 'waits of a client are in order')
    assert(owners.includes(wait.owner), 'a wait belongs to an owner of its client')
    const { attempt } = wait
    assert(attempt === null || attempt.session.outcomes.pending.get(attempt.sequence) === wait, 'a request knows its wait')
    assert(
      attempt === null || state.sessions.get(attempt.session.id) === attempt.session,
      'a wait ends with the session it is parked under',
    )
  }
  const { own } = client
  const isIdle = own !== null && own.firstHold === null && own.verdicts.length === 0 && waits.every(({ owner }) => owner !== own)
  assert(!isIdle, 'an owner without anything is forgotten')
}

function checkSession(session: Session): void {
  for (const [sequence, wait] of session.outcomes.pending) {
    assert(wait.attempt?.session === session && wait.attempt.sequence === sequence, 'a wait knows its request')
    assert(!session.outcomes.isAnswered(sequence), 'a request waits or is answered')
  }
  assert(
    [...session.outcomes.answers()].every(([sequence]) => sequence > session.outcomes.confirmed),
    'what was seen is not kept',
  )
  if (session.type === 'node') return
  assert(session.owner.session === session && session.owner.client.sessions.includes(session), 'a session belongs to its client')
}

function checkTotals(state: LockState): void {
  const clients = [...state.clients.values()]
  assert(state.held === sum(clients.map(({ held }) => held)), 'locks are counted')
  assert(state.waiting === sum(clients.map(({ waitCount }) => waitCount)), 'waits are counted')
  const resources = [...state.resources.values()]
  const names = resources.map(({ name }) => name).sort()
  assert(
    [...state.names.from('')].every((name, at) => name === names[at]) && [...state.names.from('')].length === names.length,
    'the names are those of the resources, in order',
  )
  assert(state.held === sum(resources.map(({ holdCount }) => holdCount)), 'every lock has a resource')
  const deadlines: (Deadline | null)[] = [
    ...resources.map(({ closure }) => closure),
    ...resources.flatMap((resource) => holdsOf(resource).map(({ lease }) => lease)),
    ...clients.flatMap((client) => waitsOf(client).map(({ deadline }) => deadline)),
    ...[...state.verdicts].map(({ deadline }) => deadline),
  ]
  const running = deadlines.filter((deadline) => deadline !== null)
  assert(running.length === state.deadlines.size, 'nothing is timed that is over')
  assert(
    running.every((deadline) => state.deadlines.has(deadline)),
    'what has a deadline is timed',
  )
}

/**
 * No deadlock is left, shown without a graph: let every client that waits for nothing release all it has, grant what that makes possible,
 * and go on; in the end nobody may be left waiting.
 */
function checkEverybodyCanFinish(state: LockState): void {
  const waiting = [...state.clients.values()].flatMap(waitsOf).sort((left, right) => left.number - right.number)
  const granted = new Set<Wait>()
  const isFinished = (client: Client): boolean => waitsOf(client).every((wait) => granted.has(wait))
  const isUnblocked = ({ places, upgrade, owner }: Wait): boolean =>
    places.every(
      (place) =>
        holdsOf(place.resource).every(
          (hold) => (upgrade && hold.owner === owner) || !conflict(hold, place) || isFinished(hold.owner.client),
        ) &&
        placesOf(place.resource)
          .filter(({ order }) => order < place.order)
          .every((other) => (conflict(other, place) ? isFinished(other.wait.owner.client) : granted.has(other.wait))),
    )
  for (let before = -1; granted.size > before;) {
    before = granted.size
    for (const wait of waiting) if (!granted.has(wait) && isUnblocked(wait)) granted.add(wait)
  }
  assert(granted.size === waiting.length, 'no cycle is left in the wait-for graph')
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
