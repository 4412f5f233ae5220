import { Type } from '#api/type.ts'
import { boolean, closed, count, integer, listOf, literal, nullable, oneOf, optional } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import type { EventFeed } from './events.ts'
import type { OperatorApi } from './operators.ts'
import { ringSummary } from './ring.ts'
import { engine, memberState, nodeId, role, standing } from './words.ts'

/** What every node says of itself, whatever its service. */
export interface NodeApi {
  describe(): Omit<NodeDescription, 'endpoints'>
  /** Null when this node can serve: it has joined, and knows a leader for every slot. */
  notReadyBecause(): string | null
  cluster(): ClusterView
  readonly operators: OperatorApi
  readonly events: EventFeed
}

export const nodeDescription = closed(
  {
    service: oneOf(['lock', 'queue', 'cache']),
    version: Type.String({ description: 'Of this software.' }),
    cluster_id: nullable(Type.String({ description: 'Null before the node belongs to a cluster.' })),
    ...standing,
    ring: optional(ringSummary),
    endpoints: listOf(closed({ method: Type.String(), path: Type.String(), summary: Type.String() }, { title: 'Endpoint' }), {
      maxItems: 256,
    }),
  },
  { title: 'NodeDescription' },
)
type NodeDescription = Data<typeof nodeDescription>

export const healthView = closed({ status: literal('up') }, { title: 'HealthView' })
export const readyView = closed({ status: literal('ready') }, { title: 'ReadyView' })

const memberView = closed(
  {
    node_id: nodeId,
    address: Type.String({ description: 'Host and port.' }),
    incarnation: Type.String({ description: 'Another one under the same name is another node: it lost its disk.' }),
    state: memberState,
  },
  { title: 'MemberView' },
)

const replicaView = closed(
  {
    node_id: nodeId,
    voter: boolean({ description: 'A learner follows the log and has no vote.' }),
    lag: nullable(count({ description: 'Log entries behind the leader; null where this node does not know, which only the leader does.' })),
  },
  { title: 'ReplicaView' },
)

const slotView = closed(
  {
    slot: integer(0, 65_535),
    role,
    leader: nullable(nodeId),
    term: count(),
    commit_index: count(),
    applied_index: count(),
    changing: boolean({ description: 'Its voters are being changed.' }),
    replicas: listOf(replicaView, { maxItems: 16 }),
  },
  { title: 'SlotView' },
)

export const clusterView = closed(
  {
    node_id: nodeId,
    cluster_id: nullable(Type.String()),
    engine,
    members: listOf(memberView, { maxItems: 1_024 }),
    slots: listOf(slotView, { maxItems: 1_024, description: 'Those of which this node has a replica.' }),
    warnings: listOf(Type.String(), { maxItems: 64, description: 'What an operator should know.' }),
  },
  { title: 'ClusterView' },
)
export type ClusterView = Data<typeof clusterView>
