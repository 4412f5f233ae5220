import { logIndex, term } from '#core/raft/types.ts'
import type { LogIndex, Membership, ReplicaId, Term } from '#core/raft/types.ts'
import { packValue, unpackValue } from '#wire/value.ts'
import { metaGroup } from './meta-machine.ts'
import { generationOf } from './replica-name.ts'

/** What the runtime keeps beside a replica's log. */
export interface About {
  readonly replica: ReplicaId
  readonly initial: Membership
  /** Index of the group's configuration at which it was decided that this node gets the replica; 0 for the founders. */
  readonly decidedAt: LogIndex
}

/** What is left of a replica. */
export interface Tombstone {
  readonly replica: ReplicaId
  /** The newest that it had entered. */
  readonly term: Term
  readonly decidedAt: LogIndex
}

export const decodeAbout = (about: Uint8Array): About => unpackValue(about) as About
export const encodeTombstone = (tombstone: Tombstone): Uint8Array => packValue(tombstone)

/** Of a replica that is known by what the store has about it. Another one may be decided on where it was, if nothing came of it. */
export function epitaphOf(about: Uint8Array, lastTerm: Term): Uint8Array {
  const { replica, decidedAt } = decodeAbout(about)
  return encodeTombstone({ replica, term: lastTerm, decidedAt: logIndex(decidedAt - 1) })
}

/** Which replica of each group this node is or is becoming, and which it was last, so that no late order brings that back (decision R8). */
export class OwnReplicas {
  readonly #abouts = new Map<number, About>()
  readonly #tombstones = new Map<number, Tombstone>()

  about(group: number): About | null {
    return this.#abouts.get(group) ?? null
  }

  /** The last replica of the group that this node was and is not any more. */
  buried(group: number): Tombstone | null {
    return this.#tombstones.get(group) ?? null
  }

  become(group: number, about: About): void {
    this.#abouts.set(group, about)
  }

  bury(group: number, tombstone: Tombstone): void {
    this.#abouts.delete(group)
    this.#tombstones.set(group, tombstone)
  }

  buryEncoded(group: number, tombstone: Uint8Array): void {
    this.bury(group, unpackValue(tombstone) as Tombstone)
  }

  /** Whether a replica was decided on after all that is known here. Of a slot's replicas a later one has a larger generation, too. */
  isNews(group: number, { replica, decidedAt }: Pick<About, 'replica' | 'decidedAt'>): boolean {
    const known = this.about(group) ?? this.buried(group)
    if (known === null) return true
    return decidedAt > known.decidedAt && (group === metaGroup || generationOf(replica) > generationOf(known.replica))
  }

  /** The tombstone of a replica of a slot that this node never was, and now never becomes; null when it is one now, or was a later one. */
  renounce(group: number, replica: ReplicaId): Tombstone | null {
    const known = this.buried(group)
    if (this.about(group) !== null || (known !== null && generationOf(replica) <= generationOf(known.replica))) return null
    const tombstone = { replica, term: term(0), decidedAt: known?.decidedAt ?? logIndex(-1) }
    this.bury(group, tombstone)
    return tombstone
  }
}
