import { assert } from '#base/assert.ts'
import { appendOwn, resignIfRemoved } from './leader.ts'
import { isQuorumReachable, isReachable } from './lease.ts'
import { limits } from './limits.ts'
import { Progress } from './progress.ts'
import { everyone, isJoint } from './quorum.ts'
import type { Leader, Replica } from './replica.ts'
import { replicateToAll } from './replication.ts'
import type { Input, Membership, MembershipOutcome, ReplicaId } from './types.ts'

/**
 * Changing who replicates, by joint consensus (paper 6, dissertation 4.3).
 *
 * Problem: two majorities that do not overlap could elect two leaders.
 * Idea: on the way from the old voters to the new ones every decision needs a majority of both; the leader leaves that joint
 * configuration by itself as soon as it is committed. A configuration is in force from the moment it is appended.
 * Obstacles: a leader must know where the log stands before it changes anything, so it waits for an entry of its own term (pitfall 26);
 * one change at a time; new voters first catch up as learners (pitfall 32); each change names the configuration it was decided on
 * (decision R8), and one that changes nothing is appended all the same: what was decided before it comes too late; what the new voters cannot
 * commit is not begun, for nobody could end it either; and a leader may remove itself (pitfall 31).
 */
export function changeMembership(replica: Replica, change: Extract<Input, { type: 'change-membership' }>): void {
  const { role, log } = replica
  const refusal = role.type === 'leader' ? refusalOf(replica, role, change) : role.type === 'halted' ? 'halted' : 'not-leader'
  if (refusal !== null || role.type !== 'leader') {
    replica.out.membershipChange({ type: 'refused', reason: refusal ?? 'not-leader' })
    return
  }
  const { voters } = log.membership
  const outgoing = sameMembers(voters, change.voters) ? [] : voters
  append(replica, role, { voters: change.voters, outgoing, learners: change.learners })
  replica.out.membershipChange({ type: 'accepted', index: log.lastIndex })
}

type Refusal = Extract<MembershipOutcome, { type: 'refused' }>['reason']

function refusalOf(replica: Replica, role: Leader, change: Extract<Input, { type: 'change-membership' }>): Refusal | null {
  const { log } = replica
  const { voters, learners } = change
  if (log.membershipIndex !== change.expectedIndex) return 'stale-index'
  if (isJoint(log.membership) || log.membershipIndex > log.commit || log.commit < role.termStart) return 'change-pending'
  if (role.transfer !== null) return 'transferring'
  if (!isSound({ voters, outgoing: [], learners })) return 'invalid'
  const added = voters.filter((voter) => !log.membership.voters.includes(voter))
  if (!added.every((voter) => isCaughtUp(replica, role, voter))) return 'not-caught-up'
  return isQuorumReachable(replica, role, { voters, outgoing: log.membership.voters, learners }) ? null : 'no-quorum'
}

/** What is committed by now may call for the second half of a change, or for this leader to go. */
export function advanceMembership(replica: Replica, role: Leader): void {
  const { log } = replica
  if (log.membershipIndex > log.commit || log.commit < role.termStart) return
  if (!isJoint(log.membership)) {
    resignIfRemoved(replica, role)
    return
  }
  append(replica, role, { voters: log.membership.voters, outgoing: [], learners: log.membership.learners })
}

/** Keeps a progress for everybody who receives the log, and for nobody else. An entry has just been appended: it is the first to be sent. */
export function trackMembers(replica: Replica, role: Leader): void {
  const members = everyone(replica.log.membership)
  for (const known of role.progress.keys()) if (!members.includes(known)) role.progress.delete(known)
  for (const member of members) {
    if (member === replica.self || role.progress.has(member)) continue
    role.progress.set(member, new Progress(member, replica.log.lastIndex, replica.now))
  }
}

export function isCaughtUp(replica: Replica, role: Leader, learner: ReplicaId): boolean {
  const progress = role.progress.get(learner)
  const withinMs = replica.timing.electionMinMs
  if (progress === undefined || !isReachable(replica, role, learner)) return false
  return progress.catchUp.near(progress.match, replica.now, withinMs)
}

function append(replica: Replica, role: Leader, membership: Membership): void {
  assert(isSound(membership), 'a leader appends only sound memberships')
  appendOwn(replica, role, [{ type: 'membership', membership }])
  trackMembers(replica, role)
  replicateToAll(replica, role)
}

function isSound({ voters, learners }: Membership): boolean {
  const all = [...voters, ...learners]
  return voters.length > 0 && voters.length <= limits.votersMax && learners.length <= limits.learnersMax && new Set(all).size === all.length
}

function sameMembers(left: readonly ReplicaId[], right: readonly ReplicaId[]): boolean {
  return left.length === right.length && left.every((member) => right.includes(member))
}
