import type { EventFeed } from '#api/common/events.ts'
import type { ClusterView, NodeApi } from '#api/common/node-api.ts'
import type { OperatorApi } from '#api/common/operators.ts'
import type { RingView } from '#api/common/ring.ts'
import type { GroupStanding, NodeStanding } from '#runtime/node-standing.ts'
import { OperatorDesk } from './operator-desk.ts'
import type { OperatorPorts } from './operator-desk.ts'

/** Where an answer comes from. */
export type Standing = Pick<ReturnType<NodeApi['describe']>, 'node_id' | 'role' | 'leader' | 'term'>

export interface ServiceNodeOptions extends OperatorPorts {
  readonly service: 'lock' | 'queue' | 'cache'
  /** Whose leader it speaks of. */
  readonly group: number
  readonly version: string
  readonly events: EventFeed
  /** Of a service with many slots. */
  readonly ring?: () => RingView
}

/** What a node says of itself. */
export class ServiceNode implements NodeApi {
  readonly events: EventFeed
  readonly operators: OperatorApi
  readonly #options: ServiceNodeOptions

  constructor(options: ServiceNodeOptions) {
    this.#options = options
    this.events = options.events
    this.operators = new OperatorDesk(options)
  }

  standing(): Standing {
    const { node, name, group } = this.#options
    return { node_id: name, leader: node().leaderOf(group), ...node().standing.roleIn(group) }
  }

  describe(): ReturnType<NodeApi['describe']> {
    const { service, version, ring } = this.#options
    const described = { service, version, cluster_id: this.#standing.clusterId, ...this.standing() }
    if (ring === undefined) return described
    const { slots: _, ...summary } = ring()
    return { ...described, ring: summary }
  }

  notReadyBecause(): string | null {
    return this.#standing.notReadyBecause
  }

  cluster(): ClusterView {
    const { engine, clusterId, members, warnings } = this.#standing
    return {
      node_id: this.#options.name,
      cluster_id: clusterId,
      engine,
      members: members.map(({ name, address, incarnation, state }) => ({ node_id: name, address, incarnation, state })),
      slots: this.#standing.groups().map(slotView),
      warnings: [...warnings],
    }
  }

  get #standing(): NodeStanding {
    return this.#options.node().standing
  }
}

const slotView = ({ group, commit, applied, replicas, ...same }: GroupStanding): ClusterView['slots'][number] => ({
  slot: group,
  ...same,
  commit_index: commit,
  applied_index: applied,
  replicas: replicas.map(({ node, voter, lag }) => ({ node_id: node, voter, lag })),
})
