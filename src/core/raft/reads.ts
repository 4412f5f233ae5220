import { leaseUntil, quorumRound } from './lease.ts'
import { heartbeat } from './leader.ts'
import { limits } from './limits.ts'
import type { Leader, Replica } from './replica.ts'

/**
 * Linearizable reads without writing to the log (dissertation 6.4).
 * A read notes the commit index once an entry of this term is committed (before, older commits are not all known; pitfall 4), and is
 * answered when the lease vouches that nobody else leads, or when a majority has answered a round that was sent after the read came.
 * Rounds are numbered within the term and never reused, so a late answer to an older round vouches for nothing.
 * One round at a time is sent for reads; those that come meanwhile share the next, so that a crowd of readers cannot push the rounds on
 * faster than they can be answered.
 */
export function read(replica: Replica, ids: readonly number[]): void {
  const { role } = replica
  const waiting = role.type === 'leader' ? role.reads.length : 0
  if (role.type !== 'leader' || waiting >= limits.pendingReadsMax) {
    for (const id of ids) replica.out.readState({ id, index: null })
    return
  }
  if (replica.now < leaseUntil(replica)) {
    for (const id of ids) replica.out.readState({ id, index: replica.log.commit })
    return
  }
  role.reads.push({ ids, index: null, round: role.round + 1 })
  if (role.reads.length === 1) heartbeat(replica, role)
  answerReads(replica, role)
}

/** In order of arrival: a later read never overtakes, so the first that must wait ends the scan. */
export function answerReads(replica: Replica, role: Leader): void {
  if (replica.log.commit < role.termStart) return
  for (const pending of role.reads) pending.index ??= replica.log.commit
  const answered = quorumRound(replica, role)
  while (role.reads[0] !== undefined && role.reads[0].round <= answered) {
    const { ids, index } = role.reads.shift() as Leader['reads'][number]
    for (const id of ids) replica.out.readState({ id, index })
  }
  if (role.reads[0] !== undefined && role.reads[0].round > role.round) heartbeat(replica, role)
}
