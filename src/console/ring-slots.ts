import type { RingView } from '#api/common/ring.ts'

/** A slot as the ring shows it. */
export interface RingSlot {
  readonly slot: number
  /** Where its nodes stand in the list of names: what colours them. -1 for nobody. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly text: string
}

export function ringSlots({ slots }: RingView, names: readonly string[]): readonly RingSlot[] {
  return slots
    .toSorted((left, right) => left.slot - right.slot)
    .map(({ slot, owner, term, replicas }) => ({
      slot,
      leader: owner === null ? -1 : names.indexOf(owner),
      replicas: replicas.map((name) => names.indexOf(name)),
      text: `slot ${slot}: ${owner === null ? 'no leader' : `${owner} leads`}, term ${term}, replicas on ${replicas.join(', ')}`,
    }))
}
