import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { quorumValue } from './quorum.ts'
import type { Leader, Replica } from './replica.ts'
import type { Membership, ReplicaId } from './types.ts'

/**
 * What a leader may conclude from answered heartbeats: when a majority last followed it, and until when none of them can have helped
 * to elect a successor. Everything counts from when a round was *sent* (decision R2), on this replica's own monotonic clock.
 */

/** The newest sending time of a heartbeat that a majority has answered; the election itself counts as contact, but not for the lease. */
export function leaderContact(replica: Replica, leader: Leader): Millis {
  return millis(Math.max(leader.electedAt, quorumContact(replica, leader)))
}

function quorumContact(replica: Replica, leader: Leader, membership: Membership = replica.log.membership): Millis {
  return millis(quorumValue(membership, (voter) => contact(replica, leader, voter)))
}

function contact(replica: Replica, leader: Leader, member: ReplicaId): Millis {
  return member === replica.self ? replica.now : (leader.progress.get(member)?.contactAt ?? millis(Number.NEGATIVE_INFINITY))
}

/** Whether the member has answered as lately as a leader needs it of a majority to go on: a group at rest hears less often of everybody. */
export function isReachable(replica: Replica, leader: Leader, member: ReplicaId): boolean {
  return replica.now - contact(replica, leader, member) <= replica.timing.electionMaxMs
}

/** Whether a leader of that configuration would go on. */
export function isQuorumReachable(replica: Replica, leader: Leader, membership: Membership): boolean {
  return replica.now - quorumContact(replica, leader, membership) <= replica.timing.electionMaxMs
}

/** The newest round that a majority has answered. */
export function quorumRound(replica: Replica, leader: Leader): number {
  return quorumValue(replica.log.membership, (voter) =>
    voter === replica.self ? Number.POSITIVE_INFINITY : (leader.progress.get(voter)?.round ?? 0),
  )
}

/** Until when no other replica can lead; minus infinity for who has no lease. */
export function leaseUntil(replica: Replica): Millis {
  const { role } = replica
  if (role.type !== 'leader' || role.leaseForfeited || replica.log.commit < role.termStart) return millis(Number.NEGATIVE_INFINITY)
  return millis(quorumContact(replica, role) + replica.timing.leaseMs)
}
