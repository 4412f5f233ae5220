import type { Cycle } from './cycle-search.ts'
import { findCycle } from './cycle-search.ts'
import { firstInTheWay, inTheWay, upgradedBy } from './grants.ts'
import { waitsOf } from './links.ts'
import type { Client, Hold, Place, Wait } from './records.ts'
import { refuse } from './reports.ts'
import type { LockState, Step } from './state.ts'
import type { Deadlock, DeadlockMode, Hop, Refused } from './types.ts'
import { endWait } from './waits.ts'

/**
 * Sees to it that a request, which is in its queues already, closes no cycle: null when it may stay. A victim loses its wait, never a lock
 * that it holds (decision L5). Prevention by age goes by what clients hold; cycles through places in queues are left to the search.
 */
export function avoidDeadlock(step: Step, request: Wait): Deadlock | Refused | null {
  const { state } = step
  const { mode } = state
  if (mode === 'wait-die' && !isOlderThanAllAhead(request)) return refuse('wait_die')
  if (mode === 'wound-wait') woundYounger(step, request)
  for (let cycle = findCycle(state, request); cycle !== null; cycle = findCycle(state, request)) {
    const victim = victimOf(mode, request, cycle)
    const answer = record(step, cycle, victim)
    if (victim === request) return answer
    endWait(step, victim, answer)
  }
  return null
}

function victimOf(mode: DeadlockMode, request: Wait, cycle: Cycle): Wait {
  switch (mode) {
    case 'youngest':
      return most(candidates(request, cycle), ({ owner }) => ageOf(owner.client))
    case 'fewest-locks':
      return most(candidates(request, cycle), ({ owner }) => -owner.client.held)
    case 'requester':
    case 'wait-die':
    case 'wound-wait':
      return request
  }
}

/** An upgrade may close a cycle without being one of its steps. */
const candidates = (request: Wait, cycle: Cycle): readonly Wait[] => [request, ...cycle.map(({ wait }) => wait)]

/** The newest of those that have the most. */
function most(waits: readonly Wait[], measure: (wait: Wait) => number): Wait {
  return waits.reduce((best, wait) => {
    const difference = measure(wait) - measure(best)
    return difference > 0 || (difference === 0 && wait.number > best.number) ? wait : best
  })
}

/**
 * The log index since which a client has a session, or its oldest lock without one: the smaller, the older. One that has neither is
 * younger than all.
 */
function ageOf({ sessions, own }: Client): number {
  let since = sessions[0]?.index ?? Infinity
  for (let hold = own?.firstHold ?? null; hold !== null; hold = hold.ownerAfter) since = Math.min(since, hold.index)
  return since
}

function isOlderThanAllAhead(request: Wait): boolean {
  const { client } = request.owner
  const age = ageOf(client)
  return clientsAhead(request).every((other) => other === client || age < ageOf(other))
}

function clientsAhead({ places }: Wait): readonly Client[] {
  return places.flatMap((place) => {
    const holders = holdersInTheWay(place).map((hold) => hold.owner.client)
    return [...holders, ...waitersInTheWay(place)]
  })
}

function holdersInTheWay({ wait, resource, mode }: Place): readonly Hold[] {
  const own = upgradedBy(wait)
  const holds: Hold[] = []
  for (let hold = firstInTheWay(resource, mode); hold !== null; hold = hold.after) if (hold !== own) holds.push(hold)
  return holds
}

function waitersInTheWay({ before, mode }: Place): readonly Client[] {
  const clients: Client[] = []
  for (let place = before; place !== null; place = place.before) {
    if (inTheWay(place, mode)) clients.push(place.wait.owner.client)
  }
  return clients
}

/** A wounded client is told, waits no more and is granted nothing more; what it holds it keeps until it releases it or loses its lease. */
function woundYounger(step: Step, { places, owner }: Wait): void {
  const { client } = owner
  const age = ageOf(client)
  for (const hold of places.flatMap(holdersInTheWay)) {
    const other = hold.owner.client
    if (other === client || other.wounded || ageOf(other) <= age) continue
    other.wounded = true
    step.events.push({ type: 'wounded', client: other.id, by: client.id })
    for (const wait of waitsOf(other)) endWait(step, wait, refuse('wounded'))
  }
}

function record({ state, context, events }: Step, cycle: Cycle, victim: Wait): Deadlock {
  const { length } = cycle
  const hops = cycle.slice(0, state.limits.hopsMax).map(hopOf)
  const found = { index: context.index, wall: context.wall, mode: state.mode, cycle: hops, length, victim: victim.owner.client.id }
  keepDeadlock(state, found)
  events.push({ type: 'deadlock', record: found })
  return { type: 'deadlock', cycle: hops, length }
}

const hopOf = ({ wait, place, behind }: Cycle[number]): Hop => ({ client: wait.owner.client.id, resource: place.resource.name, behind })

function keepDeadlock(state: LockState, found: LockState['deadlocks'][number]): void {
  state.deadlocksFound++
  state.deadlocks.push(found)
  if (state.deadlocks.length > state.limits.deadlocksKept) state.deadlocks.shift()
}
