import type { CacheStatus } from '#api/cache/status.ts'
import type { ClusterView } from '#api/common/node-api.ts'
import type { DeadlocksView, LocksView } from '#api/locks/views.ts'
import type { QueueStatus } from '#api/queues/status.ts'
import type { CacheReport } from '#api/cache/metrics.ts'
import type { LogLine } from './event-log.ts'
import type { Flash } from './flashes.ts'
import type { QueueHistory } from './queue-history.ts'

/** What the console knows: nothing but what nodes have said. Each answer and each event makes a new one (`seen`). */
export interface World {
  readonly nodes: readonly NodeSeen[]
  readonly locks: LocksView | null
  readonly deadlocks: DeadlocksView | null
  readonly queues: QueueStatus | null
  readonly history: QueueHistory
  /** By key and node. */
  readonly flashes: ReadonlyMap<string, Flash>
  /** The newest first. */
  readonly log: readonly LogLine[]
}

export type ServiceName = 'lock' | 'queue' | 'cache'
export const serviceNames = ['lock', 'queue', 'cache'] as const

export interface NodeSeen {
  /** `host:port`. */
  readonly address: string
  /** `new`: not asked yet; `silent`: it did not answer the last time; `locked`: it wants a token. */
  readonly health: 'new' | 'up' | 'silent' | 'locked'
  /** In a row, without an answer. */
  readonly failures: number
  /** Null until it has said so once. */
  readonly identity: NodeIdentity | null
  readonly cluster: ClusterView | null
  /** Of cache nodes. */
  readonly cache: CacheStatus | null
  readonly report: NodeReport | null
}

/** Of what a cache node counts. */
export type NodeReport = Pick<CacheReport, 'performance' | 'counters' | 'transitions'>

export interface NodeIdentity {
  readonly service: ServiceName
  readonly node_id: string
  readonly version: string
}

/** A member of a cluster of some service that has told who it is. */
export type KnownNode = NodeSeen & { readonly identity: NodeIdentity }

export const newNode = (address: string): NodeSeen => ({
  address,
  health: 'new',
  failures: 0,
  identity: null,
  cluster: null,
  cache: null,
  report: null,
})

/** By their names, which also gives them their colours. */
export const nodesOf = (nodes: readonly NodeSeen[], service: ServiceName): readonly KnownNode[] =>
  nodes
    .filter((node): node is KnownNode => node.identity?.service === service)
    .toSorted((left, right) => (left.identity.node_id < right.identity.node_id ? -1 : 1))

export const isUp = ({ health }: NodeSeen): boolean => health === 'up'
