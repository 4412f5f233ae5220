import { assert } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import { limits } from './limits.ts'
import type { RestoredLog } from './log.ts'
import { RaftLog } from './log.ts'
import { Outbox } from './outbox.ts'
import type { Progress } from './progress.ts'
import { isVoter } from './quorum.ts'
import type {
  AppendAck,
  Entry,
  HardState,
  HeartbeatAck,
  Instant,
  LogIndex,
  ReplicaId,
  RoleChange,
  SnapshotMeta,
  Term,
  Timing,
} from './types.ts'
import { logIndex } from './types.ts'

export interface ReplicaOptions {
  readonly self: ReplicaId
  readonly timing: Timing
  readonly prng: Prng
  readonly at: Instant
  readonly hardState: HardState
  readonly log: RestoredLog
  /** How far a snapshot had been received before a restart. */
  readonly partial: { readonly index: LogIndex; readonly term: Term; readonly offset: number } | null
}

interface Follower {
  readonly type: 'follower'
}

interface PreCandidate {
  readonly type: 'pre-candidate'
  readonly votes: Map<ReplicaId, boolean>
}

interface Candidate {
  readonly type: 'candidate'
  readonly votes: Map<ReplicaId, boolean>
}

export interface Leader {
  readonly type: 'leader'
  readonly progress: Map<ReplicaId, Progress>
  /** Its first entry; until it is committed nothing is known about older ones (pitfalls 3, 4). */
  readonly termStart: LogIndex
  readonly electedAt: Millis
  /** Machine time at the election; the time of an entry is this plus what has passed since (decision R5). */
  readonly timeBase: Millis
  /** The newest heartbeat round; `sentAt[round % length]` says when it left. */
  round: number
  readonly sentAt: Float64Array
  nextHeartbeat: Millis
  /** Until then a lack of answers is put down to a pause of this process (pitfall 42). */
  graceUntil: Millis
  readonly reads: PendingRead[]
  transfer: Transfer | null
  /** To whom it has handed over in vain, and when it may hand over again; of a leader that must not lead. */
  readonly passedOver: Set<ReplicaId>
  handOverAt: Millis
  /** Another replica was told to campaign in spite of this leader, so its lease is worth nothing in this term any more (pitfall 39). */
  leaseForfeited: boolean
}

interface PendingRead {
  readonly ids: readonly number[]
  /** Null until an entry of this term is committed. */
  index: LogIndex | null
  /** The first round sent after the read arrived: a majority must answer it, or a later one. */
  readonly round: number
}

interface Transfer {
  readonly to: ReplicaId
  readonly deadline: Millis
  told: boolean
}

/** A snapshot on its way to this replica: everything before `offset` is stored. */
export interface Receiving {
  readonly index: LogIndex
  readonly term: Term
  /** Who sent what is stored; null when a former life of this replica received it. */
  from: ReplicaId | null
  offset: number
  writing: SnapshotMeta | null
}

export type Role = Follower | PreCandidate | Candidate | Leader | { readonly type: 'halted' }

/**
 * The state that all roles share, and the changes of role. What a role does with an input stands in the file of that role.
 */
export class Replica {
  readonly self: ReplicaId
  readonly prng: Prng
  readonly log: RaftLog
  readonly out = new Outbox()
  timing: Timing
  at: Instant
  term: Term
  vote: ReplicaId | null
  role: Role = { type: 'follower' }
  /** Whom this replica follows in this term, itself when it leads; forgotten with the term (pitfall 38). */
  leader: ReplicaId | null = null
  /**
   * The last leader heard, and when. Outlives the term, unlike `leader`: a late message with a higher term must not make this replica
   * forget whose lease it has just prolonged.
   */
  heardFrom: ReplicaId | null = null
  heardAt: Millis = millis(Number.NEGATIVE_INFINITY)
  electionDeadline: Millis
  /** Elections that this replica has asked for since it knew a leader last. */
  campaigns = 0
  /** Everything up to here agrees with the log of this term's leader (pitfall 7). */
  verified: LogIndex
  /** The last entry that was handed out to be applied. */
  emitted: LogIndex
  /** False bars from campaigning and makes a leader hand over. */
  eligible = true
  /**
   * A restarted replica does not know whom it followed; the leader of then may count on its lease until here (decision R1).
   * Minus infinity for a replica that never ran.
   */
  readonly holdUntil: Millis
  receiving: Receiving | null
  /** A snapshot that is in the log already, and becomes the machine's state when its write is durable. */
  installing: { readonly snapshot: SnapshotMeta; writeId: number } | null = null
  /** The write that makes the term durable, and with it a candidate's vote for itself. */
  termWrite = 0
  #pauseForgivenAt: Millis = millis(Number.NEGATIVE_INFINITY)
  #reported: RoleChange

  constructor(options: ReplicaOptions) {
    this.self = options.self
    this.prng = options.prng
    this.timing = options.timing
    this.at = options.at
    this.term = options.hardState.term
    this.vote = options.hardState.vote
    this.log = new RaftLog(options.log)
    this.verified = this.log.commit
    this.emitted = this.log.commit
    this.receiving = options.partial === null ? null : { ...options.partial, from: null, writing: null }
    const ranBefore = this.term > 0 || this.log.lastIndex > 0
    this.holdUntil = millis(ranBefore ? this.now + this.timing.electionMinMs : Number.NEGATIVE_INFINITY)
    this.electionDeadline = this.now
    this.resetElectionDeadline()
    this.#reported = { role: 'follower', term: this.term, leader: null }
    assert(this.term >= this.log.lastTerm, 'the log holds no entry of a term this replica has not reached')
  }

  get now(): Millis {
    return this.at.now
  }

  /** Whether the leadership lease of a forgotten leader may still run (decision R1). */
  get holdsOff(): boolean {
    return this.now < this.holdUntil
  }

  /**
   * Drawn anew each time, so that split votes do not repeat (pitfall 10), and twice as long after each election but the first that came to nothing: where
   * votes take longer than a time-out, whoever did not wait for them would campaign for ever.
   */
  resetElectionDeadline(restMs = 0): void {
    const { electionMinMs, electionMaxMs } = this.timing
    const patience = 2 ** Math.min(Math.max(this.campaigns - 1, 0), limits.patienceDoublings)
    const timeoutMs = electionMinMs + this.prng.float() * (electionMaxMs - electionMinMs)
    this.electionDeadline = millis(this.now + restMs + patience * timeoutMs)
  }

  /**
   * Enters a term, or ends a candidacy or leadership within it. The vote survives unless the term grows (pitfall 8); the time-out goes on,
   * for a candidate that gets no vote must not hold up the others (pitfall 9).
   */
  becomeFollower(term: Term, leader: ReplicaId | null): void {
    assert(term >= this.term, 'terms never go back')
    if (this.role.type === 'leader') {
      this.#abandonReads(this.role)
      this.resetElectionDeadline()
    }
    if (term > this.term) this.#enter(term, null)
    this.role = { type: 'follower' }
    this.leader = leader
  }

  becomePreCandidate(): void {
    assert(this.role.type !== 'leader', 'a leader steps down before it campaigns')
    this.role = { type: 'pre-candidate', votes: new Map([[this.self, true]]) }
    this.leader = null
    this.resetElectionDeadline()
  }

  becomeCandidate(): void {
    if (this.role.type === 'leader') this.#abandonReads(this.role)
    this.#enter((this.term + 1) as Term, this.self)
    this.role = { type: 'candidate', votes: new Map() }
    this.leader = null
    this.campaigns++
    this.resetElectionDeadline()
  }

  voteFor(candidate: ReplicaId): void {
    assert(this.vote === null || this.vote === candidate, 'one vote per term')
    this.vote = candidate
    this.out.hardState({ term: this.term, vote: this.vote })
  }

  halt(): void {
    if (this.role.type === 'leader') this.#abandonReads(this.role)
    this.role = { type: 'halted' }
    this.leader = null
  }

  /** Whether this replica may start an election now. */
  get mayCampaign(): boolean {
    return this.#isContender && this.eligible && !this.holdsOff && !this.diskHangs && this.installing === null
  }

  /**
   * A voter of any configuration that may still be the committed one. Who is left out by the newest may be the only one that holds it,
   * and without it the others, who still need this vote, could elect nobody (dissertation 4.2.2). Votes are always counted by the newest.
   */
  get #isContender(): boolean {
    return this.log.membershipsSinceCommit.some(({ membership }) => isVoter(membership, this.self))
  }

  /** A write has been under way for longer than two elections take (pitfall 18). */
  get diskHangs(): boolean {
    const since = this.log.writingSince
    return since !== null && this.now - since > 2 * this.timing.electionMaxMs
  }

  /** An answer that the asker will count on names a term this replica must not forget; usually it is durable long since. */
  answer(message: AppendAck | HeartbeatAck): void {
    if (this.log.endedWrite >= this.termWrite) this.out.send(message)
    else this.out.sendAfterPersist(message)
  }

  /**
   * Whether a late tick is put down to a pause of this process, so that it first takes in what arrived meanwhile (pitfall 42).
   * A process that is always late is forgiven only once per election, or it would never notice that its leader, or its majority, is gone.
   */
  forgivesPause(lateMs: number): boolean {
    const { heartbeatMs, electionMaxMs } = this.timing
    if (lateMs <= heartbeatMs || this.now - this.#pauseForgivenAt < electionMaxMs) return false
    this.#pauseForgivenAt = this.now
    return true
  }

  /** What became committed since the last call, once a snapshot that is being installed is out of the way. */
  takeCommitted(): readonly Entry[] {
    if (this.installing !== null || this.emitted >= this.log.commit) return []
    const entries = this.log.slice(logIndex(this.emitted + 1), { entries: this.log.commit - this.emitted, bytes: Number.POSITIVE_INFINITY })
    this.emitted = this.log.commit
    return entries
  }

  takeRoleChange(): RoleChange | null {
    const { role, leader } = this.#reported
    if (role === this.role.type && this.#reported.term === this.term && leader === this.leader) return null
    this.#reported = { role: this.role.type, term: this.term, leader: this.leader }
    return this.#reported
  }

  #enter(term: Term, vote: ReplicaId | null): void {
    this.term = term
    this.vote = vote
    this.leader = null
    this.verified = this.log.commit
    this.termWrite = Number.POSITIVE_INFINITY
    this.out.hardState({ term, vote })
  }

  #abandonReads(leader: Leader): void {
    for (const read of leader.reads) for (const id of read.ids) this.out.readState({ id, index: null })
  }
}
