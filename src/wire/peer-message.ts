import type { WallMillis } from '#base/brand.ts'
import type { Formation } from '#core/cluster/types.ts'
import type { Entry, LogIndex, Membership, Message, ReplicaId, RoleName, Term, Timing } from '#core/raft/types.ts'

/** What nodes of one cluster say to each other. Every variant has a fixed schema in `codec.ts`. */
export type PeerMessage =
  | { readonly type: 'raft'; readonly group: number; readonly message: Exclude<Message, { type: 'heartbeat' | 'heartbeat-ack' }> }
  /**
   * One message for all groups that the sender leads with a replica at the receiver; each is named with its term, for only a
   * named group may be credited with the answer (decision R2). `wall` lets nodes compare their wall clocks (decision R5).
   */
  | { readonly type: 'heartbeats'; readonly wall: WallMillis; readonly beats: readonly Beat[] }
  | { readonly type: 'heartbeat-acks'; readonly wall: WallMillis; readonly acks: readonly BeatAck[] }
  /** Ids are chosen by the asker and never reused within its life. */
  | { readonly type: 'request'; readonly id: number; readonly request: PeerRequest }
  | { readonly type: 'response'; readonly id: number; readonly response: PeerResponse }
  /** From the service on one node to the same on the other; may be lost, and the runtime does not look into it. */
  | { readonly type: 'notice'; readonly content: Uint8Array }

export interface Beat {
  readonly group: number
  readonly from: ReplicaId
  readonly to: ReplicaId
  readonly term: Term
  readonly commit: LogIndex
  readonly round: number
  readonly restMs: number
}

export interface BeatAck {
  readonly group: number
  readonly from: ReplicaId
  readonly to: ReplicaId
  readonly term: Term
  readonly round: number
  readonly match: LogIndex
}

export type PeerRequest =
  /** Commands in their envelopes, proposed together if the receiver leads the group; answered when all have an outcome. */
  | { readonly type: 'propose'; readonly group: number; readonly commands: readonly Uint8Array[] }
  | { readonly type: 'read-index'; readonly group: number }
  | { readonly type: 'group-status'; readonly group: number }
  | {
      readonly type: 'change-membership'
      readonly group: number
      readonly expectedIndex: LogIndex
      readonly voters: readonly ReplicaId[]
      readonly learners: readonly ReplicaId[]
    }
  | { readonly type: 'transfer'; readonly group: number; readonly to: ReplicaId }
  /**
   * Become exactly this replica of the group, empty; harmless when the node is that already. `decidedAt` is the index of the group's
   * configuration at the decision: an order that is older than what the node did last is refused (decision R8).
   */
  | {
      readonly type: 'host-group'
      readonly group: number
      readonly replica: ReplicaId
      readonly initial: Membership
      readonly decidedAt: LogIndex
    }
  /** `givesUp`: the group has lost too many replicas to go on; who has this one on disk keeps it, for others may come back. */
  | { readonly type: 'drop-group'; readonly group: number; readonly replica: ReplicaId; readonly givesUp: boolean }
  /** Who are you, and do you belong to a cluster already (decision R3)? */
  | { readonly type: 'hello'; readonly hello: Hello }
  | { readonly type: 'form'; readonly formation: Formation }
  | { readonly type: 'join'; readonly join: JoinRequest }
  /** Entries in (`after`, `upTo`] whose bodies the group's machine needs, for a replica that receives a snapshot (decision Q1). */
  | { readonly type: 'bodies'; readonly group: number; readonly after: LogIndex; readonly upTo: LogIndex }
  /** To the service that the receiver runs on the group, whether or not it has a replica; the runtime does not look into it. */
  | { readonly type: 'service'; readonly group: number; readonly question: Uint8Array }

export interface Hello {
  readonly name: string
  readonly incarnation: string
  readonly address: string
  /** The initial voters this node was told, sorted by address; empty when it only joins. */
  readonly voters: readonly string[]
  readonly timing: Timing
  readonly formation: Formation | null
}

export interface JoinRequest {
  readonly name: string
  readonly incarnation: string
  readonly address: string
  /** The newest machine version this node can run (decision R9). */
  readonly version: number
  readonly timing: Timing
}

export type PeerResponse =
  | { readonly type: 'proposed'; readonly outcomes: readonly ProposalOutcome[] }
  | { readonly type: 'read-index'; readonly index: LogIndex }
  | { readonly type: 'group-status'; readonly status: GroupStatus }
  | { readonly type: 'membership-accepted'; readonly index: LogIndex }
  | { readonly type: 'done' }
  | { readonly type: 'hello'; readonly hello: Hello }
  | { readonly type: 'joined'; readonly formation: Formation }
  | { readonly type: 'service'; readonly answer: Uint8Array }
  /** All that are needed up to `upTo`, or were when this was applied that the answer rests on. */
  | { readonly type: 'bodies'; readonly upTo: LogIndex; readonly entries: readonly Entry[] }
  | { readonly type: 'refused'; readonly code: RefusalCode; readonly detail: string; readonly leader: ReplicaId | null }

export type ProposalOutcome =
  | { readonly type: 'applied'; readonly index: LogIndex; readonly answer: Uint8Array }
  /** Certainly not carried out. */
  | { readonly type: 'refused'; readonly code: RefusalCode; readonly leader: ReplicaId | null }
  /** May have been carried out, or may yet be. */
  | { readonly type: 'unknown' }

export type RefusalCode =
  | 'not-leader'
  | 'no-such-group'
  | 'transferring'
  | 'overloaded'
  | 'halted'
  | 'stale-index'
  | 'change-pending'
  | 'not-caught-up'
  | 'no-quorum'
  | 'invalid'
  | 'other-cluster'
  | 'timing-differs'
  | 'version-too-old'
  | 'not-formed'
  | 'removed'
  /** The retry identity is not known (any more): the command was not carried out now, and may or may not have been before. */
  | 'session-lost'
  | 'stopping'

export interface GroupStatus {
  readonly replica: ReplicaId
  readonly role: RoleName
  readonly term: Term
  readonly leader: ReplicaId | null
  readonly commit: LogIndex
  readonly applied: LogIndex
  readonly membership: Membership
  readonly membershipIndex: LogIndex
  /** Learners that would not hold up the group if they voted now; known to the leader only. */
  readonly caughtUp: readonly ReplicaId[]
  /** Members that answered their leader lately, itself among them; known to it only. */
  readonly reachable: readonly ReplicaId[]
}
