import type { ClusterNode } from './cluster-node.ts'
import type { Group } from './group.ts'
import type { GroupRole, GroupStanding, MemberStanding, NodeStanding } from './node-standing.ts'
import { nodeNameOf } from './replica-name.ts'
import { missingOn } from './slot-lives.ts'

/** A node whose groups are replicas with logs of their own; null until it runs. */
export class EmbeddedStanding implements NodeStanding {
  readonly engine = 'embedded'
  readonly warnings = []
  readonly #node: () => ClusterNode | null

  constructor(node: () => ClusterNode | null) {
    this.#node = node
  }

  get clusterId(): string | null {
    return this.#node()?.identity.formation?.clusterId ?? null
  }

  get notReadyBecause(): string | null {
    const node = this.#node()
    const failure = node?.host.failure ?? null
    if (failure !== null) return `the store has failed: ${failure.detail}`
    if (node === null || this.clusterId === null) return 'this node does not belong to a cluster yet'
    const { groups } = node.host
    // Right after the forming, and after a start until it has caught up.
    if (node.cluster === null) return 'this node does not know its cluster yet'
    const leaderless = [...groups.values()].filter(({ raft }) => raft.leader === null).map(({ id }) => id)
    if (leaderless.length === 0) return missing(missingOn(node.host, node.cluster, node.identity))
    return leaderless.length === 1 ? `no leader is known for slot ${leaderless[0]}` : `no leader is known for ${leaderless.length} slots`
  }

  get members(): readonly MemberStanding[] {
    return this.#node()?.cluster?.members ?? []
  }

  get places(): readonly Pick<MemberStanding, 'name' | 'address'>[] {
    return this.#node()?.cluster?.members ?? this.#node()?.identity.formation?.members ?? []
  }

  get tableVersion(): number {
    return this.#node()?.cluster?.table.version ?? 0
  }

  holdersOf(group: number): readonly string[] {
    return this.#node()?.cluster?.table.slots[group]?.replicas.map(({ node }) => node) ?? []
  }

  roleIn(group: number): GroupRole {
    const raft = this.#node()?.host.groups.get(group)?.raft
    return { role: raft?.role ?? 'none', term: raft?.term ?? 0 }
  }

  groups(): readonly GroupStanding[] {
    const groups = [...(this.#node()?.host.groups.values() ?? [])]
    return groups.map(standingOf).sort((left, right) => left.group - right.group)
  }
}

/** Whoever restarts nodes one after the other must not go on before, or most replicas of a slot end together. */
const missing = (slots: number): string | null => (slots === 0 ? null : `${slots} of its slots were not kept, and are copied again`)

function standingOf(group: Group): GroupStanding {
  const { membership, role, term, leader, commit, applied } = group.status()
  const { voters, outgoing, learners } = membership
  const lags = lagsOf(group)
  const replicas = [...new Set([...voters, ...outgoing, ...learners])].map((replica) => ({
    node: nodeNameOf(replica),
    voter: !learners.includes(replica),
    lag: lags.get(replica) ?? null,
  }))
  return {
    group: group.id,
    role,
    term,
    leader: leader === null ? null : nodeNameOf(leader),
    commit,
    applied,
    changing: outgoing.length > 0,
    replicas,
  }
}

/** Only a leader knows how far the others are. */
function lagsOf({ raft }: Group): ReadonlyMap<string, number> {
  const others = raft.matches().map(({ replica, match }) => [replica, Math.max(0, raft.lastIndex - match)] as const)
  return new Map(raft.role === 'leader' ? [...others, [raft.self, 0] as const] : [])
}
