import type { Millis, WallMillis } from '#base/brand.ts'
import type { Clock } from '#ports/clock.ts'

/**
 * Compares this node's wall clock with its peers' (decision R5): a clock far from the others' median is reported, and one very far bars the
 * node from leading, for its stamps would decide when absolute instants have come.
 *
 * A delay on the way only makes a peer's clock look late, so the largest of the last differences is the best one. Only who was heard lately
 * counts: a difference from before this clock jumped says nothing. And of two clocks alone nobody can tell which one is wrong, so a node that
 * knows only one other is never barred: else both could be, and nobody would lead.
 */
export class WallClockWatch {
  readonly #clock: Clock
  readonly #peers = new Map<string, { heardAt: Millis; readonly differences: number[] }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  heard(name: string, theirs: WallMillis): void {
    const heardAt = this.#clock.now()
    const peer = this.#peers.get(name) ?? { heardAt, differences: [] }
    peer.heardAt = heardAt
    peer.differences.push(theirs - this.#clock.wall())
    if (peer.differences.length > differencesKept) peer.differences.shift()
    this.#peers.set(name, peer)
  }

  /** Forgets all other peers. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#peers.keys()) if (!names.has(name)) this.#peers.delete(name)
  }

  /** How far this node's clock is ahead of the median of all clocks it knows, its own included, in milliseconds. */
  get aheadMs(): number {
    const offsets = [0, ...this.#offsets()].sort((left, right) => left - right)
    return 0 - (offsets[Math.floor(offsets.length / 2)] as number)
  }

  get verdict(): 'good' | 'suspicious' | 'unfit' {
    const distance = Math.abs(this.aheadMs)
    if (distance > unfitMs && this.#offsets().length >= 2) return 'unfit'
    return distance > suspiciousMs ? 'suspicious' : 'good'
  }

  #offsets(): readonly number[] {
    const since = this.#clock.now() - heardWithinMs
    return [...this.#peers.values()].filter(({ heardAt }) => heardAt >= since).map(({ differences }) => Math.max(...differences))
  }
}

const differencesKept = 10
const heardWithinMs = 5_000
const suspiciousMs = 1_000
const unfitMs = 10_000
