import type { EventFeed } from '#api/common/events.ts'
import type { ClusterView, NodeApi } from '#api/common/node-api.ts'
import type { Group } from '#runtime/group.ts'
import type { LockstepNode } from '#runtime/node.ts'
import { nodeNameOf } from '#runtime/replica-name.ts'
import { lockGroup } from './limits.ts'
import type { Standing } from './lock-questions.ts'

/** What a node of the lock service says of itself. */
export class LockNode implements NodeApi {
  readonly events: EventFeed
  readonly #node: () => LockstepNode
  readonly #name: string
  readonly #version: string

  constructor(options: { readonly node: () => LockstepNode; readonly name: string; readonly version: string; readonly events: EventFeed }) {
    this.#node = options.node
    this.#name = options.name
    this.#version = options.version
    this.events = options.events
  }

  standing(): Standing {
    const raft = this.#node().host?.groups.get(lockGroup)?.raft
    return {
      node_id: this.#name,
      role: raft?.role ?? 'none',
      leader: this.#node().leaderOf(lockGroup),
      term: raft?.term ?? 0,
    }
  }

  describe(): ReturnType<NodeApi['describe']> {
    return { service: 'lock', version: this.#version, cluster_id: this.#clusterId, ...this.standing() }
  }

  notReadyBecause(): string | null {
    const { host, cluster } = this.#node()
    const failure = host?.failure ?? null
    if (failure !== null) return `the store has failed: ${failure.detail}`
    if (host === null || this.#clusterId === null) return 'this node does not belong to a cluster yet'
    // Right after the forming, before the groups are open.
    if (host.groups.size === 0 && cluster === null) return 'this node does not know its cluster yet'
    const leaderless = [...host.groups.values()].filter(({ raft }) => raft.leader === null).map(({ id }) => id)
    return leaderless.length > 0 ? `no leader is known for slot ${leaderless.join(', ')}` : null
  }

  cluster(): ClusterView {
    const { cluster, host } = this.#node()
    const members = (cluster?.members ?? []).map(({ name, address, incarnation, state }) => ({
      node_id: name,
      address,
      incarnation,
      state,
    }))
    const slots = [...(host?.groups.values() ?? [])].map(slotView).sort((left, right) => left.slot - right.slot)
    return { node_id: this.#name, cluster_id: this.#clusterId, members, slots }
  }

  get #clusterId(): string | null {
    return this.#node().identity?.formation?.clusterId ?? null
  }
}

type SlotView = ClusterView['slots'][number]

function slotView(group: Group): SlotView {
  const { membership, role, term, leader, commit, applied } = group.status()
  const { voters, outgoing, learners } = membership
  const lags = lagsOf(group)
  const replicas = [...new Set([...voters, ...outgoing, ...learners])].map((replica) => ({
    node_id: nodeNameOf(replica),
    voter: !learners.includes(replica),
    lag: lags.get(replica) ?? null,
  }))
  return {
    slot: group.id,
    role,
    leader: leader === null ? null : nodeNameOf(leader),
    term,
    commit_index: commit,
    applied_index: applied,
    changing: outgoing.length > 0,
    replicas,
  }
}

/** Only a leader knows how far the others are. */
function lagsOf({ raft }: Group): ReadonlyMap<string, number> {
  const others = raft.matches().map(({ replica, match }) => [replica, Math.max(0, raft.lastIndex - match)] as const)
  return new Map(raft.role === 'leader' ? [...others, [raft.self, 0] as const] : [])
}
