import { becomeLeader } from './leader.ts'
import { leaderContact } from './lease.ts'
import { voteResult } from './quorum.ts'
import type { Replica } from './replica.ts'
import type { PreVoteRequest, PreVoteResponse, ReplicaId, Term, VoteRequest, VoteResponse } from './types.ts'

/**
 * Elections (paper 5.2, 5.4.1; dissertation 4.2.3, 6.4.1, 9.6).
 *
 * Problem: a replica that was cut off, paused or removed must not disturb a working leader, two replicas must not win one term, and a
 * leader that trusts its lease must not have a successor before that lease is over.
 * Idea: ask first (pre-vote) without entering the new term; a replica that heard its leader less than the smallest election time-out ago
 * says no to both questions (stickiness), which is also what the lease rests on.
 * Obstacles: stickiness must not stop a transfer (pitfall 13: `force`), nor the followed leader itself from campaigning anew (pitfall 14), and a
 * restarted replica has forgotten whom it heard, so it says no to everybody for that long (decision R1).
 */

export function campaignWithPreVote(replica: Replica): void {
  replica.becomePreCandidate()
  const request = {
    type: 'pre-vote-request',
    term: (replica.term + 1) as Term,
    lastIndex: replica.log.lastIndex,
    lastTerm: replica.log.lastTerm,
  } as const
  for (const to of otherVoters(replica)) replica.out.send({ ...request, from: replica.self, to })
  countPreVotes(replica)
}

/**
 * The requests wait for the disk: otherwise a candidate that crashed could ask again in the same term with a shorter log, and count
 * votes that were given to the longer one.
 */
export function campaign(replica: Replica, force: boolean): void {
  replica.becomeCandidate()
  const request = {
    type: 'vote-request',
    term: replica.term,
    lastIndex: replica.log.lastIndex,
    lastTerm: replica.log.lastTerm,
    force,
  } as const
  for (const to of otherVoters(replica)) replica.out.sendAfterPersist({ ...request, from: replica.self, to })
}

/** A learner is asked when the candidate knows a newer configuration than it does, and must answer (pitfall 30). */
export function handleVoteRequest(replica: Replica, request: VoteRequest): void {
  const refusal = { type: 'vote-response', from: replica.self, to: request.from, granted: false } as const
  if (request.term < replica.term || replica.holdsOff || (!request.force && isSticky(replica, request.from))) {
    replica.out.send({ ...refusal, term: replica.term })
    return
  }
  if (request.term > replica.term) replica.becomeFollower(request.term, null)
  const free = replica.vote === request.from || (replica.vote === null && replica.leader === null)
  if (free && isUpToDate(replica, request)) {
    replica.role = { type: 'follower' }
    replica.voteFor(request.from)
    replica.resetElectionDeadline()
    replica.out.sendAfterPersist({ ...refusal, term: replica.term, granted: true })
  } else {
    replica.out.send({ ...refusal, term: replica.term })
  }
}

/** Changes nothing here: neither the term nor the vote nor the time-out. */
export function handlePreVoteRequest(replica: Replica, request: PreVoteRequest): void {
  const granted = request.term > replica.term && !replica.holdsOff && !isSticky(replica, request.from) && isUpToDate(replica, request)
  replica.out.send({
    type: 'pre-vote-response',
    from: replica.self,
    to: request.from,
    term: granted ? request.term : replica.term,
    granted,
  })
}

export function handlePreVoteResponse(replica: Replica, response: PreVoteResponse): void {
  if (!response.granted && response.term > replica.term) {
    replica.becomeFollower(response.term, null)
    return
  }
  if (replica.role.type !== 'pre-candidate') return
  if (response.granted && response.term !== replica.term + 1) return
  replica.role.votes.set(response.from, response.granted)
  countPreVotes(replica)
}

export function handleVoteResponse(replica: Replica, response: VoteResponse): void {
  if (response.term > replica.term) {
    replica.becomeFollower(response.term, null)
    return
  }
  if (replica.role.type !== 'candidate' || response.term !== replica.term) return
  replica.role.votes.set(response.from, response.granted)
  countVotes(replica)
}

/** The own vote counts like the others': once it is durable, and only in the term it was cast in (pitfall 20). */
export function handleOwnVotePersisted(replica: Replica): void {
  if (replica.role.type !== 'candidate' || replica.log.endedWrite < replica.termWrite) return
  replica.role.votes.set(replica.self, true)
  countVotes(replica)
}

function countPreVotes(replica: Replica): void {
  if (replica.role.type !== 'pre-candidate') return
  const result = voteResult(replica.log.membership, replica.role.votes)
  if (result === 'won') campaign(replica, false)
  else if (result === 'lost') replica.role = { type: 'follower' }
}

function countVotes(replica: Replica): void {
  if (replica.role.type !== 'candidate') return
  const result = voteResult(replica.log.membership, replica.role.votes)
  if (result === 'won') becomeLeader(replica)
  else if (result === 'lost') replica.role = { type: 'follower' }
}

/** The log with the later last term wins; with equal terms the longer one (paper 5.4.1; pitfall 5). */
function isUpToDate(replica: Replica, asked: VoteRequest | PreVoteRequest): boolean {
  const { lastTerm, lastIndex } = replica.log
  return asked.lastTerm > lastTerm || (asked.lastTerm === lastTerm && asked.lastIndex >= lastIndex)
}

function isSticky(replica: Replica, candidate: ReplicaId): boolean {
  const { role, now, timing } = replica
  if (role.type === 'leader') return now - leaderContact(replica, role) < timing.electionMinMs
  return replica.heardFrom !== candidate && now - replica.heardAt < timing.electionMinMs
}

function otherVoters(replica: Replica): ReplicaId[] {
  const { voters, outgoing } = replica.log.membership
  return [...new Set([...voters, ...outgoing])].filter((voter) => voter !== replica.self)
}
