import { assert } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { nextMultiple } from '#base/cadence.ts'
import { campaign } from './election.ts'
import { leaderContact } from './lease.ts'
import { limits } from './limits.ts'
import { advanceMembership, trackMembers } from './membership-change.ts'
import type { Progress } from './progress.ts'
import { isOnlyVoter, isVoter, quorumValue } from './quorum.ts'
import { answerReads } from './reads.ts'
import type { Leader, Replica } from './replica.ts'
import { remind, replicate, replicateToAll, sendCommit } from './replication.ts'
import type { AppendAck, AppendReject, Entry, HeartbeatAck, Payload, ReplicaId, Term } from './types.ts'
import { logIndex } from './types.ts'

/**
 * The leader (paper 5.3, 5.4.2; dissertation 3.10, 6.2): makes entries, sends them while its own disk is still writing them, counts
 * what is durable where, and gives up when it hears no majority or when its disk hangs.
 */

export function becomeLeader(replica: Replica): void {
  assert(replica.role.type === 'candidate', 'only a candidate can win')
  replica.campaigns = 0
  const { now } = replica
  const role: Leader = {
    type: 'leader',
    progress: new Map(),
    termStart: logIndex(replica.log.lastIndex + 1),
    electedAt: now,
    timeBase: replica.log.lastTime,
    round: 0,
    sentAt: new Float64Array(limits.roundsRemembered),
    nextHeartbeat: now,
    graceUntil: now,
    reads: [],
    transfer: null,
    passedOver: new Set(),
    handOverAt: now,
    leaseForfeited: false,
  }
  replica.role = role
  replica.leader = replica.self
  appendOwn(replica, role, [{ type: 'term-start', leader: replica.self }])
  trackMembers(replica, role)
  replicateToAll(replica, role)
  heartbeat(replica, role)
}

/** What an entry made at that moment is stamped with (decision R5). */
export const machineTimeAt = ({ timeBase, electedAt }: Leader, now: Millis): Millis => millis(timeBase + Math.floor(now - electedAt))

/** Entries bear the leader's term and both stamps of decision R5. */
export function appendOwn(replica: Replica, role: Leader, payloads: readonly Payload[]): void {
  const time = machineTimeAt(role, replica.now)
  let index = replica.log.lastIndex
  const entries: Entry[] = payloads.map((payload) => {
    index = logIndex(index + 1)
    return { index, term: replica.term, time, wall: replica.at.wall, payload }
  })
  replica.log.append(entries)
  replica.out.entries(entries)
  // A group at rest wakes: the followers learn of the commit no later than in one that never rested.
  role.nextHeartbeat = millis(Math.min(role.nextHeartbeat, nextMultiple(replica.now, replica.timing.heartbeatMs)))
}

export function propose(replica: Replica, term: Term, commands: readonly Uint8Array[]): void {
  const { role, log } = replica
  if (role.type !== 'leader' || replica.term !== term) {
    replica.out.proposed({ type: 'refused', reason: role.type === 'halted' ? 'halted' : 'not-leader' })
  } else if (role.transfer !== null) {
    replica.out.proposed({ type: 'refused', reason: 'transferring' })
  } else if (log.uncommittedBytes >= limits.uncommittedBytesMax || log.lastIndex - log.commit >= limits.uncommittedEntriesMax) {
    replica.out.proposed({ type: 'refused', reason: 'overloaded' })
  } else {
    replica.out.proposed({ type: 'accepted', term, firstIndex: logIndex(log.lastIndex + 1) })
    appendOwn(
      replica,
      role,
      commands.map((bytes) => ({ type: 'command', bytes })),
    )
    replicateToAll(replica, role)
  }
}

export function tickLeader(replica: Replica, role: Leader): void {
  const { now, timing } = replica
  if (replica.forgivesPause(now - role.nextHeartbeat)) role.graceUntil = millis(now + 2 * timing.heartbeatMs)
  if (now >= role.nextHeartbeat) heartbeat(replica, role)
  const unheard = now - leaderContact(replica, role) > timing.electionMaxMs && now >= role.graceUntil
  if (unheard || replica.diskHangs) {
    replica.becomeFollower(replica.term, null)
    return
  }
  if (role.transfer !== null && now >= role.transfer.deadline) {
    if (!replica.eligible) role.passedOver.add(role.transfer.to)
    role.transfer = null
  }
  if (role.transfer !== null) return
  if (!replica.eligible) handOver(replica, role)
  else if (role.leaseForfeited && replica.mayCampaign) campaign(replica, false)
}

/** Rounds of all groups of a node leave at the same moments, the multiples of the interval, so that they share one message (decision R2). */
export function heartbeat(replica: Replica, role: Leader): void {
  const { heartbeatMs } = replica.timing
  const everyMs = isAtRest(replica, role) ? heartbeatMs * limits.restIntervals : heartbeatMs
  role.round++
  role.sentAt[role.round % limits.roundsRemembered] = replica.now
  role.nextHeartbeat = nextMultiple(replica.now, everyMs)
  const { self: from, term } = replica
  for (const progress of role.progress.values()) {
    progress.sentRound = role.round
    const { replica: to } = progress
    replica.out.send({ type: 'heartbeat', from, to, term, commit: replica.log.commit, round: role.round, restMs: everyMs - heartbeatMs })
  }
}

/** Nothing is under way. Rounds are rarer then, but come in time to prolong the lease; its followers are told, and wait as much longer. */
function isAtRest({ log, timing }: Replica, { progress, reads, transfer }: Leader): boolean {
  if ((limits.restIntervals + 0.5) * timing.heartbeatMs > timing.leaseMs) return false
  if (log.commit < log.lastIndex || reads.length > 0 || transfer !== null) return false
  for (const { match } of progress.values()) if (match < log.lastIndex) return false
  return true
}

export function handleHeartbeatAck(replica: Replica, role: Leader, ack: HeartbeatAck): void {
  const progress = role.progress.get(ack.from)
  if (progress === undefined || ack.round > role.round) return
  if (ack.round > role.round - limits.roundsRemembered && ack.round > progress.round) {
    progress.round = ack.round
    progress.contactAt = millis(role.sentAt[ack.round % limits.roundsRemembered] as number)
    answerReads(replica, role)
  }
  if (ack.match < progress.match) remind(replica, progress)
  const behind = progress.match < replica.log.lastIndex
  if (takeMatch(replica, role, progress, ack.match)) return
  progress.catchUp.advance(progress.match, replica.log.lastIndex, replica.now)
  if (behind && progress.silent(ack.round)) resend(replica, progress)
}

/** What was sent, or its answer, was lost: on an idle group nothing else would tell (pitfall 22). */
function resend(replica: Replica, progress: Progress): void {
  if (progress.sending.type === 'snapshot') {
    const { snapshot, offset } = progress.sending
    replica.out.snapshotRead({ to: progress.replica, index: snapshot.index, offset })
    return
  }
  progress.retry()
  replicate(replica, progress)
}

export function handleAppendAck(replica: Replica, role: Leader, ack: AppendAck): void {
  const progress = role.progress.get(ack.from)
  if (progress !== undefined) takeMatch(replica, role, progress, ack.match)
}

function takeMatch(replica: Replica, role: Leader, progress: Progress, match: number): boolean {
  assert(match <= replica.log.lastIndex, 'a follower agrees with nothing the leader does not have')
  if (!progress.acknowledge(logIndex(match))) return false
  progress.catchUp.advance(progress.match, replica.log.lastIndex, replica.now)
  advanceCommit(replica, role)
  if (replica.role !== role) return true
  replicate(replica, progress)
  tellTransferTarget(replica, role)
  return true
}

/** Jumps to the end of the newest own term that is not newer than the follower's term at the hint (dissertation 3.4, pitfall 21). */
export function handleAppendReject(replica: Replica, role: Leader, reject: AppendReject): void {
  const progress = role.progress.get(reject.from)
  if (progress === undefined) return
  let retryAfter = logIndex(Math.min(reject.hintIndex, replica.log.lastIndex))
  while (retryAfter > replica.log.base.index && (replica.log.termAt(retryAfter) as Term) > reject.hintTerm)
    retryAfter = logIndex(retryAfter - 1)
  if (progress.backOff(reject.rejected, retryAfter)) replicate(replica, progress)
}

/**
 * Commits what a majority has on disk, the leader counting itself only for what is on its own, and only entries of its own term:
 * an older one may still be replaced although a majority has it (paper figure 8; pitfalls 2, 3).
 */
export function advanceCommit(replica: Replica, role: Leader): void {
  const { log } = replica
  const reached = quorumValue(log.membership, (voter) => (voter === replica.self ? log.durable : (role.progress.get(voter)?.match ?? 0)))
  const index = logIndex(Math.min(reached, log.lastIndex))
  if (index <= log.commit || log.termAt(index) !== replica.term) return
  log.commitTo(index)
  answerReads(replica, role)
  advanceMembership(replica, role)
}

/** Stops taking proposals, waits until the target has everything, then tells it to campaign (dissertation 3.10). */
export function startTransfer(replica: Replica, role: Leader, to: ReplicaId | null): void {
  if (to === null || to === replica.self || role.transfer !== null || !isVoter(replica.log.membership, to)) return
  role.transfer = { to, deadline: millis(replica.now + replica.timing.electionMaxMs), told: false }
  tellTransferTarget(replica, role)
}

/**
 * The target campaigns in spite of this leader, so the lease ends before it is told. It may do so at any later time, so this term has no
 * lease any more: a leader that stays needs a term of its own, as soon as it may lead (pitfalls 33, 39).
 */
function tellTransferTarget(replica: Replica, role: Leader): void {
  const { transfer } = role
  if (transfer === null || transfer.told || role.progress.get(transfer.to)?.match !== replica.log.lastIndex) return
  transfer.told = true
  role.leaseForfeited = true
  replica.out.send({ type: 'timeout-now', from: replica.self, to: transfer.to, term: replica.term })
}

/** To one voter after the other, for some may not lead either. After all of them it serves for a while: nothing is taken while it hands over. */
function handOver(replica: Replica, role: Leader): void {
  if (replica.now < role.handOverAt) return
  const heir = mostCaughtUpVoter(replica, role)
  if (heir === null && role.passedOver.size > 0) {
    role.passedOver.clear()
    role.handOverAt = millis(replica.now + limits.handOverRestTimeouts * replica.timing.electionMaxMs)
  }
  startTransfer(replica, role, heir)
}

function mostCaughtUpVoter(replica: Replica, role: Leader): ReplicaId | null {
  if (isOnlyVoter(replica.log.membership, replica.self)) return null
  const { voters } = replica.log.membership
  const reachable = [...role.progress.values()].filter(
    ({ replica: id, contactAt }) =>
      voters.includes(id) && !role.passedOver.has(id) && replica.now - contactAt < replica.timing.electionMinMs,
  )
  return reachable.sort((left, right) => right.match - left.match)[0]?.replica ?? null
}

/** A leader that its own last configuration leaves out has nothing left to do once that is committed (pitfall 31). */
export function resignIfRemoved(replica: Replica, role: Leader): void {
  const { log } = replica
  if (log.membershipIndex > log.commit || isVoter(log.membership, replica.self)) return
  for (const progress of role.progress.values()) sendCommit(replica, progress)
  const heir = mostCaughtUpVoter(replica, role)
  if (heir !== null) replica.out.send({ type: 'timeout-now', from: replica.self, to: heir, term: replica.term })
  replica.becomeFollower(replica.term, null)
}
