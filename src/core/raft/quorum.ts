import type { Membership, ReplicaId } from './types.ts'

/**
 * The mathematics of majorities. An empty set of voters agrees with everything and wins every vote: that makes the outgoing half of a
 * configuration that is not joint disappear from every decision.
 */

export type VoteResult = 'won' | 'lost' | 'pending'

export const majority = (voters: number): number => Math.floor(voters / 2) + 1

/** The largest value that a majority of both halves has reached. */
export function quorumValue(membership: Membership, valueOf: (replica: ReplicaId) => number): number {
  return Math.min(majorityValue(membership.voters, valueOf), majorityValue(membership.outgoing, valueOf))
}

function majorityValue(voters: readonly ReplicaId[], valueOf: (replica: ReplicaId) => number): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY
  const values = voters.map(valueOf).sort((left, right) => right - left)
  return values[majority(voters.length) - 1] as number
}

export function voteResult(membership: Membership, votes: ReadonlyMap<ReplicaId, boolean>): VoteResult {
  const halves = [majorityVote(membership.voters, votes), majorityVote(membership.outgoing, votes)]
  if (halves.includes('lost')) return 'lost'
  return halves.includes('pending') ? 'pending' : 'won'
}

function majorityVote(voters: readonly ReplicaId[], votes: ReadonlyMap<ReplicaId, boolean>): VoteResult {
  if (voters.length === 0) return 'won'
  let granted = 0
  let refused = 0
  for (const voter of voters) {
    const vote = votes.get(voter)
    if (vote === true) granted++
    else if (vote === false) refused++
  }
  if (granted >= majority(voters.length)) return 'won'
  return refused > voters.length - majority(voters.length) ? 'lost' : 'pending'
}

export const isVoter = (membership: Membership, replica: ReplicaId): boolean =>
  membership.voters.includes(replica) || membership.outgoing.includes(replica)

export const isJoint = (membership: Membership): boolean => membership.outgoing.length > 0

export const isOnlyVoter = (membership: Membership, replica: ReplicaId): boolean =>
  !isJoint(membership) && membership.voters.length === 1 && membership.voters[0] === replica

/** Everybody who receives the log. */
export function everyone(membership: Membership): ReplicaId[] {
  return [...new Set([...membership.voters, ...membership.outgoing, ...membership.learners])]
}
