import { unreachable } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { handleOwnVotePersisted, handlePreVoteRequest, handlePreVoteResponse, handleVoteRequest, handleVoteResponse } from './election.ts'
import {
  acknowledgePersisted,
  handleAppend,
  handleHeartbeat,
  handleSnapshotChunk,
  handleSnapshotWritten,
  handleTimeoutNow,
  tickWithoutLeader,
} from './follower.ts'
import {
  advanceCommit,
  handleAppendAck,
  handleAppendReject,
  handleHeartbeatAck,
  machineTimeAt,
  propose,
  startTransfer,
  tickLeader,
} from './leader.ts'
import { isReachable, leaseUntil } from './lease.ts'
import { changeMembership, isCaughtUp } from './membership-change.ts'
import { everyone } from './quorum.ts'
import { read } from './reads.ts'
import type { ReplicaOptions } from './replica.ts'
import { Replica } from './replica.ts'
import { handleSnapshotAck, handleSnapshotRead, sendCommit } from './replication.ts'
import type { Effects, Entry, Input, Instant, LogIndex, Membership, Message, ReplicaId, RoleName, Term } from './types.ts'

/**
 * One replica of one Raft group: `step(input, at)` tells it what happened and returns what is to be done.
 * It does no I/O, reads no clock and draws chance only from the generator it was given, so that equal inputs give equal effects.
 * How the roles divide the work: `election.ts`, `follower.ts`, `leader.ts` (with `replication.ts`, `reads.ts`, `lease.ts`,
 * `membership-change.ts`); what they share: `replica.ts`, `log.ts`.
 */
export class Raft {
  readonly #replica: Replica

  constructor(options: ReplicaOptions) {
    this.#replica = new Replica(options)
  }

  step(input: Input, at: Instant): Effects {
    const replica = this.#replica
    replica.at = at
    if (replica.role.type === 'halted') this.#whileHalted(input)
    else this.#handle(input)
    return this.#finish()
  }

  get self(): ReplicaId {
    return this.#replica.self
  }
  get role(): RoleName {
    return this.#replica.role.type
  }
  get term(): Term {
    return this.#replica.term
  }
  get leader(): ReplicaId | null {
    return this.#replica.leader
  }
  get commit(): LogIndex {
    return this.#replica.log.commit
  }
  get lastIndex(): LogIndex {
    return this.#replica.log.lastIndex
  }
  get base(): LogIndex {
    return this.#replica.log.base.index
  }
  get membership(): Membership {
    return this.#replica.log.membership
  }
  get membershipIndex(): LogIndex {
    return this.#replica.log.membershipIndex
  }
  /** When the next `tick` is due; an earlier one does nothing. Never for a halted replica. */
  get deadline(): Millis {
    const { role, electionDeadline } = this.#replica
    if (role.type === 'halted') return millis(Number.POSITIVE_INFINITY)
    return role.type === 'leader' ? role.nextHeartbeat : electionDeadline
  }
  /** Until when, on this replica's clock, no other replica can lead; minus infinity without a lease. */
  get leaseUntil(): Millis {
    return leaseUntil(this.#replica)
  }
  /** Whether a leader has committed an entry of its own term, so that its machine will know all that was ever committed. */
  get termStarted(): boolean {
    const { role, log } = this.#replica
    return role.type === 'leader' && log.commit >= role.termStart
  }

  /** The machine time of an entry that this replica would make at that moment (decision R5); null for one that does not lead. */
  machineTimeAt(now: Millis): Millis | null {
    const { role } = this.#replica
    return role.type === 'leader' ? machineTimeAt(role, now) : null
  }

  /** Whether chunks of a leader's snapshot are coming in. */
  get receivingSnapshot(): boolean {
    const { receiving, installing, log } = this.#replica
    return installing !== null || (receiving !== null && receiving.index > log.commit)
  }

  /** Null where this replica cannot say: behind the base of its log or past the end. */
  termAt(index: LogIndex): Term | null {
    return this.#replica.log.termAt(index)
  }
  entryAt(index: LogIndex): Entry | null {
    return this.#replica.log.entryAt(index)
  }
  membershipAt(index: LogIndex): { readonly index: LogIndex; readonly membership: Membership } {
    return this.#replica.log.membershipAt(index)
  }
  /** Learners that would keep up as voters; empty where this replica does not lead. */
  caughtUpLearners(): ReplicaId[] {
    const { role, log } = this.#replica
    return role.type === 'leader' ? log.membership.learners.filter((learner) => isCaughtUp(this.#replica, role, learner)) : []
  }
  /** Members that answered lately, this replica among them; empty where it does not lead. */
  reachableMembers(): ReplicaId[] {
    const { role, log } = this.#replica
    return role.type === 'leader' ? everyone(log.membership).filter((member) => isReachable(this.#replica, role, member)) : []
  }
  /** How far each follower is known to agree, for operators; empty where this replica does not lead. */
  matches(): { readonly replica: ReplicaId; readonly match: LogIndex }[] {
    const { role } = this.#replica
    return role.type === 'leader' ? [...role.progress.values()].map(({ replica, match }) => ({ replica, match })) : []
  }
  /** The whole state, for `checkInvariants` and for people; not to be changed. */
  inspect(): Readonly<Replica> {
    return this.#replica
  }

  /** A halted replica still owes every asker a refusal. */
  #whileHalted(input: Input): void {
    const { out } = this.#replica
    if (input.type === 'propose') out.proposed({ type: 'refused', reason: 'halted' })
    else if (input.type === 'change-membership') out.membershipChange({ type: 'refused', reason: 'halted' })
    else if (input.type === 'read') for (const id of input.ids) out.readState({ id, index: null })
  }

  #handle(input: Input): void {
    const replica = this.#replica
    const { role } = replica
    switch (input.type) {
      case 'tick':
        if (role.type === 'leader') tickLeader(replica, role)
        else tickWithoutLeader(replica)
        break
      case 'message':
        if (input.message.to === replica.self) this.#receive(input.message)
        break
      case 'propose':
        propose(replica, input.term, input.commands)
        break
      case 'read':
        read(replica, input.ids)
        break
      case 'persisted':
        this.#persisted(input.id)
        break
      case 'change-membership':
        changeMembership(replica, input)
        break
      case 'compact':
        replica.log.compact(input.snapshot, input.dropUpTo)
        break
      case 'snapshot-written':
        handleSnapshotWritten(replica, input.index, input.offset, input.last)
        break
      case 'eligibility':
        replica.eligible = input.eligible
        if (role.type === 'leader') tickLeader(replica, role)
        break
      case 'timing':
        replica.timing = input.timing
        break
      case 'storage-failed':
        replica.halt()
        break
      case 'transfer':
      case 'tell-commit':
      case 'snapshot-read':
        this.#asLeader(input)
        break
      default:
        unreachable(input)
    }
  }

  #asLeader(input: Extract<Input, { type: 'transfer' | 'tell-commit' | 'snapshot-read' }>): void {
    const replica = this.#replica
    const { role } = replica
    if (role.type !== 'leader') return
    if (input.type === 'transfer') {
      startTransfer(replica, role, input.to)
    } else if (input.type === 'snapshot-read') {
      handleSnapshotRead(replica, role, input)
    } else {
      const progress = role.progress.get(input.to)
      if (progress !== undefined) sendCommit(replica, progress)
    }
  }

  /** The questions of candidates have rules of their own; with all else a higher term is entered first, and a lower one answered with ours. */
  #receive(message: Message): void {
    const replica = this.#replica
    switch (message.type) {
      case 'vote-request':
        handleVoteRequest(replica, message)
        return
      case 'pre-vote-request':
        handlePreVoteRequest(replica, message)
        return
      case 'vote-response':
        handleVoteResponse(replica, message)
        return
      case 'pre-vote-response':
        handlePreVoteResponse(replica, message)
        return
      default:
        if (message.term < replica.term) this.#answerStale(message)
        else {
          if (message.term > replica.term) replica.becomeFollower(message.term, null)
          this.#receiveInTerm(message)
        }
    }
  }

  #answerStale(message: Message): void {
    const { self: from, term } = this.#replica
    const fromLeader = message.type === 'append' || message.type === 'heartbeat' || message.type === 'snapshot-chunk'
    if (fromLeader) this.#replica.out.send({ type: 'stale-term', from, to: message.from, term })
  }

  #receiveInTerm(message: InTermMessage): void {
    const replica = this.#replica
    switch (message.type) {
      case 'append':
        handleAppend(replica, message)
        break
      case 'heartbeat':
        handleHeartbeat(replica, message)
        break
      case 'snapshot-chunk':
        handleSnapshotChunk(replica, message)
        break
      case 'timeout-now':
        handleTimeoutNow(replica, message)
        break
      case 'stale-term':
        break
      default:
        if (replica.role.type === 'leader') this.#receiveAnswer(message)
    }
  }

  #receiveAnswer(message: LeaderAnswer): void {
    const replica = this.#replica
    const { role } = replica
    if (role.type !== 'leader') return
    switch (message.type) {
      case 'append-ack':
        handleAppendAck(replica, role, message)
        break
      case 'append-reject':
        handleAppendReject(replica, role, message)
        break
      case 'heartbeat-ack':
        handleHeartbeatAck(replica, role, message)
        break
      case 'snapshot-ack':
        handleSnapshotAck(replica, role, message)
        break
      default:
        unreachable(message)
    }
  }

  #persisted(id: number): void {
    const replica = this.#replica
    replica.log.endWrite(id)
    if (replica.installing !== null && id >= replica.installing.writeId) {
      replica.out.restore(replica.installing.snapshot)
      replica.emitted = replica.installing.snapshot.index
      replica.installing = null
    }
    const { role } = replica
    if (role.type === 'leader') advanceCommit(replica, role)
    else if (role.type === 'candidate') handleOwnVotePersisted(replica)
    else acknowledgePersisted(replica)
  }

  #finish(): Effects {
    const replica = this.#replica
    const persistId = replica.out.persists ? replica.log.beginWrite(replica.now) : null
    if (persistId !== null) {
      replica.termWrite = Math.min(replica.termWrite, persistId)
      if (replica.installing !== null) replica.installing.writeId = Math.min(replica.installing.writeId, persistId)
    }
    return replica.out.take({ persistId, apply: replica.takeCommitted(), role: replica.takeRoleChange() })
  }
}

type InTermMessage = Exclude<Message, { type: 'vote-request' | 'pre-vote-request' | 'vote-response' | 'pre-vote-response' }>
type LeaderAnswer = Extract<Message, { type: 'append-ack' | 'append-reject' | 'heartbeat-ack' | 'snapshot-ack' }>
