import type { WallMillis } from '#base/brand.ts'

/**
 * Compares this node's wall clock with its peers' (decision R5): a clock far from the others' median is reported, and one very far bars the
 * node from leading, for its stamps would decide when absolute instants have come.
 *
 * A delay on the way only makes a peer's clock look late, so the largest of the last differences is the best one.
 */
export class WallClockWatch {
  readonly #samples = new Map<string, number[]>()

  heard(peer: string, theirs: WallMillis, ours: WallMillis): void {
    const samples = this.#samples.get(peer) ?? []
    samples.push(theirs - ours)
    if (samples.length > samplesKept) samples.shift()
    this.#samples.set(peer, samples)
  }

  forget(peer: string): void {
    this.#samples.delete(peer)
  }

  /** How far this node's clock is ahead of the median of all clocks it knows, its own included, in milliseconds. */
  get aheadMs(): number {
    const offsets = [0, ...[...this.#samples.values()].map((samples) => Math.max(...samples))].sort((left, right) => left - right)
    return -(offsets[Math.floor(offsets.length / 2)] as number)
  }

  get verdict(): 'good' | 'suspicious' | 'unfit' {
    const distance = Math.abs(this.aheadMs)
    if (distance > unfitMs) return 'unfit'
    return distance > suspiciousMs ? 'suspicious' : 'good'
  }
}

const samplesKept = 10
const suspiciousMs = 1_000
const unfitMs = 10_000
