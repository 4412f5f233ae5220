import type { Millis } from '#base/brand.ts'
import { present } from '#base/assert.ts'
import type { Term } from '#core/raft/types.ts'
import type { Group } from './group.ts'

/** What a replica that leads may rest on, at one moment. */
export interface Leadership {
  readonly term: Term
  /** The moment, on this node's clock. */
  readonly now: Millis
  /** Until when, on this node's clock, nobody else can lead; before `now` while that is not known. */
  readonly leaseUntil: Millis
  /** What an entry made at that moment would be stamped with (decision R5). */
  readonly machineTime: Millis
}

/**
 * Null for a replica that does not lead, and for one that has not applied an entry of its own term yet: until then its machine may lack what
 * was committed under its predecessors, or be about to carry out what they proposed.
 */
export function leadershipOf({ raft, applier }: Group, now: Millis): Leadership | null {
  if (raft.role !== 'leader' || applier.last.term !== raft.term) return null
  const machineTime = present(raft.machineTimeAt(now), 'a leader stamps entries')
  return { term: raft.term, now, leaseUntil: raft.leaseUntil, machineTime }
}
