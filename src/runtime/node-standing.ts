import type { Member } from '#core/cluster/types.ts'
import type { RoleName } from '#core/raft/types.ts'

/** What a node tells of itself and its cluster, for people and for probes, whatever keeps its groups. What it tells may be old. */
export interface NodeStanding {
  readonly engine: 'embedded' | 'redis'
  /** Null before it belongs to one. */
  readonly clusterId: string | null
  /** Why it cannot serve; null when it can. */
  readonly notReadyBecause: string | null
  /** What an operator should know of a node that serves. */
  readonly warnings: readonly string[]
  readonly members: readonly MemberStanding[]
  /** Where its nodes are: the members, or who founds the cluster while those are not known yet. */
  readonly places: readonly Pick<MemberStanding, 'name' | 'address'>[]
  /** Grows with every change of the table that says who has which group. */
  readonly tableVersion: number
  /** By that table. */
  holdersOf(group: number): readonly string[]
  /** `none` for a group that is not hosted here; its term is still told where it is known, and is 0 elsewhere. */
  roleIn(group: number): GroupRole
  /** Those that are hosted here, in order. */
  groups(): readonly GroupStanding[]
}

export type MemberStanding = Pick<Member, 'name' | 'address' | 'incarnation' | 'state'>

export interface GroupRole {
  readonly role: RoleName | 'none'
  readonly term: number
}

export interface GroupStanding {
  readonly group: number
  readonly role: RoleName
  readonly term: number
  readonly leader: string | null
  readonly commit: number
  readonly applied: number
  /** Its voters are being changed. */
  readonly changing: boolean
  readonly replicas: readonly ReplicaStanding[]
}

interface ReplicaStanding {
  readonly node: string
  readonly voter: boolean
  /** Log entries behind the leader; null where that is not known. */
  readonly lag: number | null
}
