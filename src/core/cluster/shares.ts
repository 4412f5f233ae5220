import { assert } from '#base/assert.ts'
import { buildRing, walk } from '#core/ring/ring.ts'
import type { Ring } from '#core/ring/ring.ts'

export interface Transfer {
  readonly group: number
  readonly from: string
  readonly to: string
}

/**
 * How many replicas each node carries, and where the next one goes: along the ring from the slot's point to the first node that
 * does not have its share yet. The ring is what keeps the choice stable, the share what keeps it even.
 */
export class Shares {
  readonly #share: number
  readonly #loads: Map<string, number>
  #ring: Ring | null = null

  /** `replicas` is how many there are to carry in all. */
  constructor(input: { readonly nodes: readonly string[]; readonly replicas: number }) {
    this.#share = Math.ceil(input.replicas / Math.max(1, input.nodes.length))
    this.#loads = new Map(input.nodes.toSorted().map((node) => [node, 0]))
  }

  /** A node that cannot be given replicas is not counted. */
  add(node: string, count: 1 | -1): void {
    const load = this.#loads.get(node)
    if (load === undefined) return
    assert(load + count >= 0, 'a node carries no fewer than no replicas')
    this.#loads.set(node, load + count)
  }

  /** The node for one more replica of the group; null when every node is excluded. */
  pick(group: number, excluded: readonly string[]): string | null {
    let lightest: string | null = null
    for (const node of this.#walk(group)) {
      if (excluded.includes(node)) continue
      if (this.#load(node) < this.#share) return node
      if (lightest === null || this.#load(node) < this.#load(lightest)) lightest = node
    }
    return lightest
  }

  /** The first node of the walk, whatever it carries. */
  pickUnbounded(group: number, excluded: readonly string[]): string | null {
    return this.#walk(group).find((node) => !excluded.includes(node)) ?? null
  }

  /**
   * One replica from the heaviest node to the lightest, while they differ by more than one: the slot whose walk meets the
   * lightest first. Every transfer lowers the sum of the squares of the loads, so they come to an end.
   */
  nextTransfer(movable: ReadonlyMap<number, readonly string[]>): Transfer | null {
    // Equal loads keep the order of names.
    const byLoad = [...this.#loads].toSorted((left, right) => left[1] - right[1])
    for (const [from, heavy] of byLoad.toReversed()) {
      for (const [to, light] of byLoad) {
        if (heavy - light < 2) break
        const group = this.#groupFor({ from, to }, movable)
        if (group !== null) return { group, from, to }
      }
    }
    return null
  }

  #groupFor(transfer: { readonly from: string; readonly to: string }, movable: ReadonlyMap<number, readonly string[]>): number | null {
    let best: number | null = null
    let bestRank = Infinity
    for (const [group, nodes] of movable) {
      if (!nodes.includes(transfer.from) || nodes.includes(transfer.to)) continue
      const rank = this.#walk(group).indexOf(transfer.to)
      if (rank >= bestRank) continue
      best = group
      bestRank = rank
    }
    return best
  }

  #walk(group: number): string[] {
    this.#ring ??= buildRing([...this.#loads.keys()].map((name) => ({ name, weight: 1 })))
    return [...walk(this.#ring, `slot/${group}`)]
  }

  #load(node: string): number {
    return this.#loads.get(node) ?? 0
  }
}
