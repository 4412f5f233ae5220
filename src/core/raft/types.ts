import type { Brand, Millis, WallMillis } from '#base/brand.ts'

/**
 * The vocabulary of the Raft core: what it is told (`Input`, `Message`) and what it asks for (`Effects`).
 * Everything is plain data; nothing here performs I/O, reads a clock or draws a random number.
 *
 * Sources: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (the paper), and Ongaro's
 * dissertation "Consensus: Bridging Theory and Practice" (chapters 3, 4 and 6).
 */

export type Term = Brand<number, 'Term'>
export type LogIndex = Brand<number, 'LogIndex'>

/**
 * One replica of one group, never reused: a node that lost its disk, or was removed and added again, comes back under another id,
 * so that what a former self voted or acknowledged is never credited to it (decisions R1, R8; pitfall 34).
 */
export type ReplicaId = Brand<string, 'ReplicaId'>

export const term = (value: number): Term => value as Term
export const logIndex = (value: number): LogIndex => value as LogIndex
export const replicaId = (value: string): ReplicaId => value as ReplicaId

/** When a step happens: both clocks are read by the driver. */
export interface Instant {
  /** Monotonic. */
  readonly now: Millis
  /** For people; may jump (decision R5). */
  readonly wall: WallMillis
}

/**
 * Who replicates. Effective as soon as the entry that holds it is appended, rolled back when that entry is truncated (dissertation 4.1, 4.3).
 * While `outgoing` is not empty the configuration is joint: every decision needs a majority of `voters` and a majority of `outgoing`.
 */
export interface Membership {
  readonly voters: readonly ReplicaId[]
  readonly outgoing: readonly ReplicaId[]
  readonly learners: readonly ReplicaId[]
}

export type Payload =
  /** The first entry of a term: lets the leader commit what its predecessors left (paper 5.4.2, 8). */
  | { readonly type: 'term-start'; readonly leader: ReplicaId }
  | { readonly type: 'command'; readonly bytes: Uint8Array }
  | { readonly type: 'membership'; readonly membership: Membership }

export interface Entry {
  readonly index: LogIndex
  readonly term: Term
  /** Elapsed machine time (decision R5): never goes back, stands still while nobody leads. */
  readonly time: Millis
  /** The leader's wall clock when it made the entry; compared with absolute instants only. */
  readonly wall: WallMillis
  readonly payload: Payload
}

/** Both ends belong to it. */
export interface LogRange {
  readonly from: LogIndex
  readonly to: LogIndex
}

/** What must survive a crash besides the log. */
export interface HardState {
  readonly term: Term
  readonly vote: ReplicaId | null
}

/** A snapshot stands for all entries up to `index`; its bytes live in the store, never in this core. */
export interface SnapshotMeta {
  readonly index: LogIndex
  readonly term: Term
  /** Machine time of the entry at `index`. */
  readonly time: Millis
  readonly membership: Membership
  /** Index of the entry that made `membership`. */
  readonly membershipIndex: LogIndex
  readonly bytes: number
}

interface Addressed {
  readonly from: ReplicaId
  readonly to: ReplicaId
  readonly term: Term
}

export interface VoteRequest extends Addressed {
  readonly type: 'vote-request'
  readonly lastIndex: LogIndex
  readonly lastTerm: Term
  /** The current leader asked for this election, so stickiness to it does not apply (pitfall 13). */
  readonly force: boolean
}

/** Asks whether a vote would be granted in `term`, which nobody has entered yet (dissertation 9.6). */
export interface PreVoteRequest extends Addressed {
  readonly type: 'pre-vote-request'
  readonly lastIndex: LogIndex
  readonly lastTerm: Term
}

export interface VoteResponse extends Addressed {
  readonly type: 'vote-response'
  readonly granted: boolean
}

/** A grant bears the term that was asked about, a refusal the term of the refuser (pitfall 11). */
export interface PreVoteResponse extends Addressed {
  readonly type: 'pre-vote-response'
  readonly granted: boolean
}

export interface Append extends Addressed {
  readonly type: 'append'
  readonly previousIndex: LogIndex
  readonly previousTerm: Term
  readonly entries: readonly Entry[]
  readonly commit: LogIndex
}

/** Everything up to `match` agrees with the leader's log and is durable at the sender. */
export interface AppendAck extends Addressed {
  readonly type: 'append-ack'
  readonly match: LogIndex
}

export interface AppendReject extends Addressed {
  readonly type: 'append-reject'
  /** The `previousIndex` that did not match. */
  readonly rejected: LogIndex
  /** The largest index at which the logs may agree, and the follower's term there (fast back-off, pitfall 21). */
  readonly hintIndex: LogIndex
  readonly hintTerm: Term
}

export interface Heartbeat extends Addressed {
  readonly type: 'heartbeat'
  readonly commit: LogIndex
  /** Numbers the leader's rounds within its term, never reused: an answer is credited from when its round was *sent* (decision R2). */
  readonly round: number
  /** How much longer than the interval the next round is in coming, as the group is at rest. */
  readonly restMs: number
}

export interface HeartbeatAck extends Addressed {
  readonly type: 'heartbeat-ack'
  readonly round: number
  /** As in `append-ack`: heals a lost acknowledgement on an idle group (pitfall 22). */
  readonly match: LogIndex
}

/** Tells a sender of a lower term which term it must reach (pitfall 15). */
export interface StaleTerm extends Addressed {
  readonly type: 'stale-term'
}

export interface SnapshotChunk extends Addressed {
  readonly type: 'snapshot-chunk'
  readonly snapshot: SnapshotMeta
  readonly offset: number
  readonly bytes: Uint8Array
  readonly last: boolean
}

/** The receiver of the snapshot at `index` wants the bytes from `offset` on. */
export interface SnapshotAck extends Addressed {
  readonly type: 'snapshot-ack'
  readonly index: LogIndex
  readonly offset: number
}

/** Leadership transfer: campaign now (dissertation 3.10). */
export interface TimeoutNow extends Addressed {
  readonly type: 'timeout-now'
}

export type Message =
  | VoteRequest
  | PreVoteRequest
  | VoteResponse
  | PreVoteResponse
  | Append
  | AppendAck
  | AppendReject
  | Heartbeat
  | HeartbeatAck
  | StaleTerm
  | SnapshotChunk
  | SnapshotAck
  | TimeoutNow

export type Input =
  | { readonly type: 'tick' }
  | { readonly type: 'message'; readonly message: Message }
  /** Taken only while this replica leads in exactly `term`: a proposal is fenced by the term it was decided in. */
  | { readonly type: 'propose'; readonly term: Term; readonly commands: readonly Uint8Array[] }
  /** Asks for an index that, once applied, makes local state linearizable for these reads (dissertation 6.4). Ids are never reused. */
  | { readonly type: 'read'; readonly ids: readonly number[] }
  /** Let this follower know the commit index now: somebody waits there for a read. */
  | { readonly type: 'tell-commit'; readonly to: ReplicaId }
  | { readonly type: 'transfer'; readonly to: ReplicaId }
  /** Compare-and-set on `expectedIndex`, the index of the membership the caller decided on (decision R8). */
  | {
      readonly type: 'change-membership'
      readonly expectedIndex: LogIndex
      readonly voters: readonly ReplicaId[]
      readonly learners: readonly ReplicaId[]
    }
  /** The `persist` effect with this id, and all before it, are durable. */
  | { readonly type: 'persisted'; readonly id: number }
  /** A snapshot of the applied state is durable; entries up to `dropUpTo` (at most its index) may leave memory. */
  | { readonly type: 'compact'; readonly snapshot: SnapshotMeta; readonly dropUpTo: LogIndex }
  /** The answer to a `snapshotRead` effect; `bytes` is null when that snapshot is no longer there. */
  | {
      readonly type: 'snapshot-read'
      readonly to: ReplicaId
      readonly index: LogIndex
      readonly offset: number
      readonly bytes: Uint8Array | null
      readonly last: boolean
    }
  /** The answer to a `snapshotWrite` effect: everything before `offset` is stored; with the last of it, also the bodies that the snapshot stands for. */
  | { readonly type: 'snapshot-written'; readonly index: LogIndex; readonly offset: number; readonly last: boolean }
  /** A replica whose node must not lead (its wall clock is far off, or it is stopping) neither campaigns nor keeps leading. */
  | { readonly type: 'eligibility'; readonly eligible: boolean }
  /** Cluster constants changed (decision R4). */
  | { readonly type: 'timing'; readonly timing: Timing }
  /** The store can no longer be trusted: this replica falls silent for good. */
  | { readonly type: 'storage-failed' }

/** Cluster constants (decision R4): the same on every member, or leases are not safe. */
export interface Timing {
  readonly heartbeatMs: number
  readonly electionMinMs: number
  readonly electionMaxMs: number
  /** Shorter than `electionMinMs` by the drift margin. */
  readonly leaseMs: number
}

export interface Persist {
  /** Grows by one with every persist of this replica. */
  readonly id: number
  readonly hardState: HardState | null
  /** A received snapshot becomes the base of the log: all entries go, in the same atomic write (pitfall 25). */
  readonly install: SnapshotMeta | null
  /** Entries from here on are replaced. */
  readonly truncateFrom: LogIndex | null
  readonly entries: readonly Entry[]
}

export type ProposeOutcome =
  | { readonly type: 'accepted'; readonly term: Term; readonly firstIndex: LogIndex }
  | { readonly type: 'refused'; readonly reason: 'not-leader' | 'transferring' | 'overloaded' | 'halted' }

export type MembershipOutcome =
  | { readonly type: 'accepted'; readonly index: LogIndex }
  | {
      readonly type: 'refused'
      readonly reason:
        | 'not-leader'
        | 'transferring'
        | 'halted'
        | 'stale-index'
        | 'change-pending'
        | 'not-caught-up'
        | 'invalid'
        | 'no-quorum'
    }

/** A read may be served once `index` is applied; `index` is null when the replica cannot say (it does not lead, or stopped leading). */
export interface ReadState {
  readonly id: number
  readonly index: LogIndex | null
}

export type RoleName = 'follower' | 'pre-candidate' | 'candidate' | 'leader' | 'halted'

export interface RoleChange {
  readonly role: RoleName
  readonly term: Term
  readonly leader: ReplicaId | null
}

/**
 * What one step asks of its driver. The order is part of the contract:
 * `send` may leave at once, also before `persist` is durable; `sendAfterPersist` only when `persist` (or, when this step has none,
 * every earlier one) is durable; `apply` in any case, its entries are durable on a majority.
 * On a crash whatever was not done yet is simply lost; the protocol recovers.
 */
export interface Effects {
  readonly persist: Persist | null
  readonly send: readonly Message[]
  readonly sendAfterPersist: readonly Message[]
  /** A received snapshot takes the place of the machine's state, before `apply`. Never before its install is durable. */
  readonly restore: SnapshotMeta | null
  /** Newly committed entries in order, each exactly once per life of this object. */
  readonly apply: readonly Entry[]
  readonly readStates: readonly ReadState[]
  readonly role: RoleChange | null
  readonly snapshotReads: readonly { readonly to: ReplicaId; readonly index: LogIndex; readonly offset: number }[]
  readonly snapshotWrite: {
    readonly snapshot: SnapshotMeta
    readonly offset: number
    readonly bytes: Uint8Array
    readonly last: boolean
  } | null
  /** The answer to a `propose` or `change-membership` input of this step. */
  readonly proposed: ProposeOutcome | null
  readonly membershipChange: MembershipOutcome | null
}
