import { firstInTheWay, inTheWay, upgradedBy } from './grants.ts'
import { waitsOf } from './links.ts'
import type { Client, Place, Resource, Wait } from './records.ts'
import type { LockState } from './state.ts'
import type { Hop } from './types.ts'

/**
 * Finds a cycle in the wait-for graph that goes through the client of a request. Clients are its nodes: one that waits is taken to release
 * nothing until all its waits are over. A wait has an edge to each client that holds a resource in its way (hard), and to each that waits in
 * front of it for a lock in its way (soft): FIFO is absolute, so a place in a queue blocks as a lock does (decision L4).
 *
 * Two shared requests are not in each other's way; but one for several resources lets nobody pass before it is granted itself
 * (decision L7). Who stands behind it inherits what it waits for, not what else its client waits for.
 *
 * The graph is nowhere stored, for 10 000 waiters in one queue would have 5·10^7 edges. It is walked breadth-first, each queue once,
 * remembering how far it was seen; so a search takes time proportional to the holders and waiters it reaches, and a cycle found is a
 * shortest one.
 *
 * New edges all begin or end at the client that asks, so every new cycle goes through it; if it holds nothing and waits for nothing else, no
 * edge leads to it. A request at the end of its queues adds edges only from itself. An upgrade, which goes ahead of the queue, adds edges to its
 * client too, also when it is granted at once; so the cycle may leave its client by another of its waits:
 * 1. D holds S, and waits for P together with a shared lock of R. 2. B holds R shared, which is not in D's way, and waits for S. 3. Upgraded, it is.
 */
export function findCycle(state: LockState, request: Wait): Cycle | null {
  const { client } = request.owner
  return client.held === 0 && client.waitCount === 1 ? null : new CycleSearch(request, ++state.searches).run()
}

/** The first step is of the client that asks; each is kept waiting by the next, and the last by the first. */
export type Cycle = readonly CycleStep[]

interface CycleStep {
  readonly wait: Wait
  /** Where it is kept waiting, and by what. */
  readonly place: Place
  readonly behind: Hop['behind']
}

/** How far the queue of a resource was seen by requests of each mode. */
interface Reach {
  shared: Place | null
  exclusive: Place | null
  holders: boolean
}

interface Visit {
  readonly wait: Wait
  /** The step that led here; null where the search began. */
  readonly from: Visit | null
  readonly place: Place | null
  readonly behind: Hop['behind']
}

class CycleSearch {
  readonly #target: Client
  readonly #visits: Visit[]
  /** Marks clients that were seen: a set would cost more than all the rest. */
  readonly #number: number
  readonly #several = new Set<Wait>()
  readonly #reach = new Map<Resource, Reach>()
  #found: Cycle | null = null

  constructor(request: Wait, number: number) {
    this.#number = number
    const { client } = request.owner
    this.#target = client
    const waits = request.upgrade ? waitsOf(client) : [request]
    this.#visits = waits.map((wait) => ({ wait, from: null, place: null, behind: 'holder' }))
  }

  run(): Cycle | null {
    for (let at = 0; at < this.#visits.length && this.#found === null; at++) this.#expand(this.#visits[at] as Visit)
    return this.#found
  }

  #expand(visit: Visit): void {
    for (const place of visit.wait.places) {
      this.#seeHolders(visit, place)
      this.#seeWaiters(visit, place)
    }
  }

  /** All holders that are in the way of one request are in the way of another. An upgrade does not see its own lock, so it does not count. */
  #seeHolders(visit: Visit, place: Place): void {
    const { resource, mode } = place
    const own = upgradedBy(place.wait)
    if (resource.holdCount > 1) {
      const reach = this.#reachOf(resource)
      if (reach.holders) return
      reach.holders = mode === 'exclusive' && own === null
    }
    for (let hold = firstInTheWay(resource, mode); hold !== null; hold = hold.after) {
      if (hold !== own) this.#seeClient(hold.owner.client, visit, place, 'holder')
    }
  }

  #seeWaiters(visit: Visit, place: Place): void {
    const { resource, mode, before, order } = place
    if (before === null) return
    const reach = this.#reachOf(resource)
    const seen = mode === 'exclusive' ? reach.exclusive : later(reach.shared, reach.exclusive)
    if (seen !== null && seen.order >= before.order) return
    for (let ahead = seen === null ? resource.firstPlace : seen.after; ahead !== null && ahead.order < order; ahead = ahead.after) {
      const { wait } = ahead
      if (inTheWay(ahead, mode)) {
        if (mode === 'shared' || !this.#waitsOnlyHere(wait)) this.#seeClient(wait.owner.client, visit, place, 'waiter')
      } else if (wait.places.length > 1) this.#seeWait(wait, visit, place, 'waiter')
    }
    reach[mode] = before
  }

  /** Whatever is in its way is in the way of an exclusive request behind it: a long queue of such is passed over at once. */
  #waitsOnlyHere({ owner, places }: Wait): boolean {
    const { client } = owner
    return client !== this.#target && client.waitCount === 1 && places.length === 1
  }

  #seeClient(client: Client, from: Visit, place: Place, behind: Hop['behind']): void {
    if (client === this.#target) {
      this.#found ??= cycleOf({ wait: from.wait, from, place, behind })
      return
    }
    if (client.searched === this.#number) return
    client.searched = this.#number
    for (let wait = client.firstWait; wait !== null; wait = wait.after) this.#seeWait(wait, from, place, behind)
  }

  /** Only a request for several resources can be come upon otherwise than through its client. */
  #seeWait(wait: Wait, from: Visit, place: Place, behind: Hop['behind']): void {
    if (wait.places.length > 1) {
      if (this.#several.has(wait)) return
      this.#several.add(wait)
    }
    this.#visits.push({ wait, from, place, behind })
  }

  #reachOf(resource: Resource): Reach {
    const known = this.#reach.get(resource)
    if (known !== undefined) return known
    const reach: Reach = { shared: null, exclusive: null, holders: false }
    this.#reach.set(resource, reach)
    return reach
  }
}

function later(left: Place | null, right: Place | null): Place | null {
  if (left === null || right === null) return left ?? right
  return left.order >= right.order ? left : right
}

/** The way back from where the client that asks was met again. */
function cycleOf(end: Visit): Cycle {
  const steps: CycleStep[] = []
  for (let visit = end; visit.from !== null && visit.place !== null; visit = visit.from) {
    steps.push({ wait: visit.from.wait, place: visit.place, behind: visit.behind })
  }
  return steps.reverse()
}
