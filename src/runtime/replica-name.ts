import { replicaId as clusterReplicaId } from '#core/cluster/replica.ts'
import type { Replica } from '#core/cluster/types.ts'
import { replicaId } from '#core/raft/types.ts'
import type { ReplicaId } from '#core/raft/types.ts'
import type { NodeKey } from '#ports/transport.ts'

/** Raft knows a replica by one word, the cluster by node, incarnation and generation: `lock-node-1/00f1e2d3c4b5a697/0`. */
export const idOfReplica = (replica: Replica): ReplicaId => replicaId(clusterReplicaId(replica))

export const nodeNameOf = (id: ReplicaId): string => id.slice(0, id.lastIndexOf('/', id.lastIndexOf('/') - 1))

/** Of the replicas of one slot, a later one has a larger generation. */
export const generationOf = (id: ReplicaId): number => Number(id.slice(id.lastIndexOf('/') + 1))

/** Whether the replica lives on exactly this incarnation of the node. */
export const livesOn = (id: ReplicaId, node: NodeKey): boolean => id.startsWith(`${node.name}/${node.incarnation}/`)
