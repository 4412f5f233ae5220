import { assert } from '#base/assert.ts'
import { leaderLoadFactor } from './limits.ts'

/**
 * Which replica of each slot should lead. A ring alone balances many keys, not a handful of slots: some node would lead three times
 * the mean. So loads are bounded (Mirrokni, Thorup, Zadimoghaddam 2016): no node leads more than `ceil(c × mean)`, c = 1.25.
 *
 * Leaders that are within the bound stay. A slot without a leader takes the replica that leads least; when all are full, the
 * shortest chain of hand-overs is made that ends at a node with room (an augmenting path, found breadth first). When replicas are
 * spread so unevenly that the bound cannot be kept, it is raised by one as often as needed. It never is when no node holds more
 * than `ceil(c × mean)` replicas per rank: any set of slots then has enough room on its nodes (Hall's theorem).
 */
export interface LeaderChoice {
  /** Nodes that may lead the slot, best first; none when the slot cannot have a leader now. */
  readonly candidates: readonly string[]
  readonly current: string | null
}

/** The leader of each slot, null for one without candidates. The answer depends on nothing but the slots in their order. */
export function chooseLeaders(slots: readonly LeaderChoice[], factor: number = leaderLoadFactor): (string | null)[] {
  const nodes = new Set(slots.flatMap((slot) => slot.candidates))
  const electable = slots.filter((slot) => slot.candidates.length > 0).length
  const table = new LeaderTable(slots, Math.ceil((factor * electable) / Math.max(1, nodes.size)))
  for (const [slot, choice] of slots.entries()) {
    if (choice.current !== null && choice.candidates.includes(choice.current)) table.keep(slot, choice.current)
  }
  for (const [slot, choice] of slots.entries()) {
    if (choice.candidates.length > 0) table.fill(slot)
  }
  return table.leaders
}

interface Visit {
  readonly slot: number
  readonly node: string
  /** The visit that reached `slot` because its node would have to give it away. */
  readonly cause: Visit | null
}

class LeaderTable {
  readonly leaders: (string | null)[]
  readonly #slots: readonly LeaderChoice[]
  readonly #led = new Map<string, Set<number>>()
  #bound: number

  constructor(slots: readonly LeaderChoice[], bound: number) {
    this.#slots = slots
    this.#bound = bound
    this.leaders = slots.map(() => null)
  }

  keep(slot: number, node: string): void {
    if (this.#load(node) < this.#bound) this.#assign(slot, node)
  }

  fill(slot: number): void {
    if (this.leaders[slot] !== null) return
    let path = this.#shortestPath(slot)
    while (path === null) {
      this.#bound++
      path = this.#shortestPath(slot)
    }
    for (let visit: Visit | null = path; visit !== null; visit = visit.cause) this.#assign(visit.slot, visit.node)
    assert(this.leaders[slot] !== null, 'a path begins at the slot to fill')
  }

  #shortestPath(start: number): Visit | null {
    const seen = new Set<string>()
    let frontier: { readonly slot: number; readonly cause: Visit | null }[] = [{ slot: start, cause: null }]
    while (frontier.length > 0) {
      const visits = frontier.flatMap(({ slot, cause }) => this.#unseen(slot, seen).map((node): Visit => ({ slot, node, cause })))
      const best = this.#leastLoaded(visits)
      if (best !== null) return best
      frontier = visits.flatMap((visit) => [...(this.#led.get(visit.node) ?? [])].map((slot) => ({ slot, cause: visit })))
    }
    return null
  }

  #unseen(slot: number, seen: Set<string>): string[] {
    const nodes = (this.#slots[slot] as LeaderChoice).candidates.filter((node) => !seen.has(node))
    for (const node of nodes) seen.add(node)
    return nodes
  }

  /** The first of those with the lowest load, among nodes with room. */
  #leastLoaded(visits: readonly Visit[]): Visit | null {
    let best: Visit | null = null
    let bestLoad = this.#bound
    for (const visit of visits) {
      if (this.#load(visit.node) >= bestLoad) continue
      best = visit
      bestLoad = this.#load(visit.node)
    }
    return best
  }

  #assign(slot: number, node: string): void {
    const previous = this.leaders[slot] ?? null
    if (previous !== null) this.#led.get(previous)?.delete(slot)
    this.leaders[slot] = node
    const led = this.#led.get(node)
    if (led === undefined) this.#led.set(node, new Set([slot]))
    else led.add(slot)
  }

  #load(node: string): number {
    return this.#led.get(node)?.size ?? 0
  }
}
