import { chooseLeaders } from '#core/ring/leaders.ts'
import { buildRing, walk } from '#core/ring/ring.ts'
import type { Ring } from '#core/ring/ring.ts'

/**
 * Who should own which slot: whoever does, as long as nobody owns too many; otherwise the next node on the ring. Every node finds the same from the
 * same table and members.
 */
export class Spread {
  #ring: Ring = buildRing([])
  #key = ''

  /** Of each slot its owner now, null for none that is live; the answer is null only when nobody is. */
  choose(owners: readonly (string | null)[], live: readonly string[]): readonly (string | null)[] {
    const names = live.toSorted()
    const key = names.join(' ')
    if (key !== this.#key) {
      this.#ring = buildRing(names.map((name) => ({ name, weight: 1 })))
      this.#key = key
    }
    return chooseLeaders(owners.map((current, at) => ({ candidates: [...walk(this.#ring, `slot ${at + 1}`)], current })))
  }
}
