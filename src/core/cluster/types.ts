import type { Millis, WallMillis } from '#base/brand.ts'

/**
 * The vocabulary of the meta group's state machine: who is a member, which constants hold, which replicas make up which slot, and
 * which replica is on its way elsewhere. All of it is plain data that survives JSON.
 *
 * Obstacles, and what answers them:
 * - Two clusters must not come from one list of nodes: the first command bears the cluster id, any other is refused (decision R3).
 * - A lease is safe only while every voter waits longer than it lasts, also half-way through a change of either (decision R4).
 * - A slot's configuration lives in its own log, so the table can only record what is intended (decision R8).
 * - Replicas that were kept in memory end with their process. A slot that lost a majority begins another life, empty (decision C12).
 */

/** How a cluster began; the same fields as on the wire. The first configuration of every group follows from it alone. */
export interface Formation {
  readonly clusterId: string
  /** Drawn anew whenever an operator recovers the cluster from the store of one node (decision R3): who does not know it is of another cluster. Null until then. */
  readonly recovery: string | null
  readonly members: readonly FoundingMember[]
  /** Groups 1 … slots; group 0 is the meta group. Fixed for life. */
  readonly slots: number
  readonly replication: number
  readonly timing: Timing
}

export interface FoundingMember {
  readonly name: string
  readonly incarnation: string
  readonly address: string
}

/** Cluster constants (decision R4). */
export interface Timing {
  readonly heartbeatMs: number
  readonly electionMinMs: number
  readonly electionMaxMs: number
  readonly leaseMs: number
}

export interface Constants {
  /** 1 at formation, one more with every change. */
  readonly revision: number
  readonly timing: Timing
}

/** A node's life under one name: it gets another incarnation when it lost what it had stored. */
export interface MemberId {
  readonly name: string
  readonly incarnation: string
}

export interface Member extends MemberId {
  readonly address: string
  /**
   * `joining`: holds no replica until it runs the constants in force. `leaving`: alive, its replicas move away. `dead`: not heard of
   * for long; it may come back. A removed member has no state: only its tombstone is left.
   */
  readonly state: 'joining' | 'active' | 'leaving' | 'dead'
  /** Machine time of the entry into `state`. */
  readonly since: Millis
  /** The newest machine version it can run (decision R9). */
  readonly version: number
  /** The newest revision of the constants it runs. Invariant: never goes back, at most the current one. */
  readonly adopted: number
}

interface Tombstone extends MemberId {
  readonly since: Millis
}

/** Never reused within its slot: generations only grow (decision R8). */
export interface Replica {
  readonly node: string
  readonly incarnation: string
  readonly generation: number
}

export interface Slot {
  readonly life: Life
  /** The first configuration, fixed for the slot's life. */
  readonly initial: readonly Replica[]
  /** The last configuration that the table heard of, on distinct nodes. */
  readonly replicas: readonly Replica[]
  /** Replicas that lost what they had promised to keep: their nodes said so, and never speak as them again. */
  readonly lost: readonly LostReplica[]
  /** Where the slot's log holds that configuration; the initial one is where the life began. */
  readonly configurationIndex: number
  /** Larger than the generation of any replica there ever was. */
  readonly nextGeneration: number
  /** The node that should lead; null while none has been chosen, and always for the meta group. */
  readonly leader: string | null
  /** An operator chose that leader: it stays one for as long as it can lead, however many slots it leads. */
  readonly pinned: boolean
  readonly move: Move | null
}

/** From one beginning of a slot's data to the next (decision C12). */
interface Life {
  /** 1 at formation, one more whenever a majority of its replicas was lost. */
  readonly number: number
  /** Its log goes on from here: behind everything that an earlier life may have had. */
  readonly index: number
  /** Larger than any term in which a replica of an earlier life may have led. */
  readonly term: number
  /** Null for the life that the cluster was formed with. */
  readonly since: WallMillis | null
}

export interface LostReplica extends Replica {
  /** The newest term it had entered. */
  readonly term: number
  /** Machine time of the report. */
  readonly since: Millis
}

/**
 * What a move does next. `learn`: add `to` as a learner. `catch-up`: wait until it has everything, bodies included (decision Q1), and the
 * new voters answer. `switch`: one joint change to the new voters. `retire`: let `from` drop its data. `revert`: take back the learner of a
 * move given up, or what it has ordered.
 */
export type MoveStep = 'learn' | 'catch-up' | 'switch' | 'retire' | 'revert'

export interface Move {
  /** The version of the table that planned it: tells it from any other move. */
  readonly id: number
  readonly from: Replica | null
  readonly to: Replica | null
  readonly step: MoveStep
  /** The configuration that `step` was decided on: its change is compare-and-set on this index. */
  readonly configurationIndex: number
}

export interface Table {
  /** One more with every change. */
  readonly version: number
  /** By group: 0 is the meta group. */
  readonly slots: readonly Slot[]
}

export interface ClusterState {
  readonly formation: Formation
  readonly constants: Constants
  /** The machine version that every group may run: all members know it, and nobody who does not is let in (decision R9). */
  readonly version: number
  /** Sorted by name. */
  readonly members: readonly Member[]
  readonly tombstones: readonly Tombstone[]
  readonly table: Table
}

export interface Context {
  readonly index: number
  readonly time: Millis
  readonly wall: WallMillis
  /** The machine version committed in the meta group (decision R9). */
  readonly version: number
}

export interface Join extends MemberId {
  readonly type: 'join'
  readonly address: string
  readonly version: number
  readonly timing: Timing
}

/** A member reports what it runs; sent until the table says the same. */
export interface Announce extends MemberId {
  readonly type: 'announce'
  readonly address: string
  readonly version: number
  readonly adopted: number
}

export interface SetConstants {
  readonly type: 'set-constants'
  readonly expectedRevision: number
  readonly timing: Timing
}

/** Refused while any member does not know it. */
interface RaiseVersion {
  readonly type: 'raise-version'
  readonly version: number
}

/** Compare-and-set on the table version. A null `from` adds a replica, a null `to` takes one away. */
export interface PlanMove {
  readonly type: 'plan-move'
  readonly expectedVersion: number
  readonly slot: number
  readonly from: Replica | null
  /** The node that gets the replica; its generation is given out when the move is recorded. */
  readonly to: string | null
}

/** From `expected` to `next`, the step after it, or the same one decided anew on a later configuration. */
export interface AdvanceMove {
  readonly type: 'advance-move'
  readonly slot: number
  readonly move: number
  readonly expected: MoveStep
  readonly next: MoveStep
  readonly configurationIndex: number
}

export interface FinishMove {
  readonly type: 'finish-move'
  readonly slot: number
  readonly move: number
  readonly configurationIndex: number
}

export interface AbortMove {
  readonly type: 'abort-move'
  readonly slot: number
  readonly move: number
}

export interface SetPreferredLeaders {
  readonly type: 'set-preferred-leaders'
  readonly expectedVersion: number
  readonly leaders: readonly { readonly slot: number; readonly node: string }[]
  /** By an operator, and not to balance the leaders. */
  readonly pinned: boolean
}

/** For good: of a dead member, and of one that has left. */
export interface Remove extends MemberId {
  readonly type: 'remove'
}

/** A node says which of its replicas it has lost: sent until the table says the same. */
export interface ReportLosses {
  readonly type: 'report-losses'
  readonly losses: readonly { readonly slot: number; readonly replica: Replica; readonly term: number }[]
}

/** Compare-and-set on the table version: slots that a majority of their replicas has lost begin anew, empty, on these nodes (decision C12). */
export interface FormAnew {
  readonly type: 'form-anew'
  readonly expectedVersion: number
  readonly slots: readonly { readonly slot: number; readonly nodes: readonly string[] }[]
}

/**
 * An operator has given up all members but one, which goes on alone with what its store has (decision R3). Written to that store while its node does
 * not run, and never proposed. Slots that it does not have, or does not have from their present life, begin anew.
 */
export interface Recover extends MemberId {
  readonly type: 'recover'
  readonly recovery: string
  /** Each is the only voter of its group from that index of its log on; the meta group is one of them. */
  readonly kept: readonly { readonly slot: number; readonly replica: Replica; readonly configurationIndex: number }[]
}

export type LifeCommand = ReportLosses | FormAnew

export type MemberCommand =
  | Join
  | Announce
  | ({ readonly type: 'leave' } & MemberId)
  | ({ readonly type: 'mark-dead' } & MemberId)
  | ({ readonly type: 'mark-alive' } & MemberId)
  | Remove

export type TableCommand = PlanMove | AdvanceMove | FinishMove | AbortMove | SetPreferredLeaders

export type Command =
  | { readonly type: 'form'; readonly formation: Formation }
  | SetConstants
  | RaiseVersion
  | MemberCommand
  | TableCommand
  | LifeCommand
  | Recover

export type Answer =
  | { readonly type: 'done' }
  | { readonly type: 'formed'; readonly formation: Formation }
  | { readonly type: 'joined'; readonly member: Member; readonly formation: Formation }
  | { readonly type: 'member'; readonly member: Member }
  | { readonly type: 'constants'; readonly constants: Constants }
  | { readonly type: 'move'; readonly move: Move }
  | { readonly type: 'refused'; readonly code: RefusalCode }

export type RefusalCode =
  | 'not-formed'
  | 'other-cluster'
  | 'invalid'
  /** A limit of `limits.ts`. */
  | 'full'
  /** This (name, incarnation) was removed or replaced, and is refused for ever. */
  | 'removed'
  | 'unknown-member'
  | 'timing-differs'
  | 'version-too-old'
  | 'stale-revision'
  /** Some mixture of nodes with the old and the new values would break a lease. */
  | 'unsafe-mixture'
  /** A member still runs older constants. */
  | 'not-adopted'
  | 'still-active'
  /** No other member is active. */
  | 'last-active'
  | 'holds-replicas'
  | 'stale-version'
  | 'no-such-slot'
  | 'move-pending'
  | 'no-such-move'
  | 'stale-step'
  | 'stale-index'
  /** The move can no longer be given up: its change of the configuration may be under way. */
  | 'too-late'
  | 'not-a-replica'
  | 'already-a-replica'
  | 'not-active'
  /** Too few replicas are alive to carry the change, or would be after it. */
  | 'no-majority'
  /** Those that are not lost may still be a majority. */
  | 'majority-left'
  /** Somebody may still rely on a lease of the life before. */
  | 'too-early'
