import { assert } from '#base/assert.ts'
import { replicaId } from '#core/raft/types.ts'
import type { ReplicaId } from '#core/raft/types.ts'
import type { NodeKey } from '#ports/transport.ts'

/**
 * A replica is named after its node's name and incarnation and a generation that its slot never uses twice (decision R8):
 * `lock-node-1~00f1e2d3c4b5a697/0`. Node names hold neither `~` nor `/`.
 */
export interface ReplicaName extends NodeKey {
  readonly generation: number
}

export const replicaOf = ({ name, incarnation, generation }: ReplicaName): ReplicaId => replicaId(`${name}~${incarnation}/${generation}`)

export function nameOfReplica(replica: ReplicaId): ReplicaName {
  const tilde = replica.indexOf('~')
  const slash = replica.indexOf('/', tilde)
  assert(tilde > 0 && slash > tilde, 'a replica is named node~incarnation/generation')
  return { name: replica.slice(0, tilde), incarnation: replica.slice(tilde + 1, slash), generation: Number(replica.slice(slash + 1)) }
}

export const nodeNameOf = (replica: ReplicaId): string => replica.slice(0, replica.indexOf('~'))

/** Whether the replica lives on exactly this incarnation of the node. */
export const livesOn = (replica: ReplicaId, node: NodeKey): boolean => replica.startsWith(`${node.name}~${node.incarnation}/`)
