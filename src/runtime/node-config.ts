import type { Timing } from '#core/cluster/types.ts'
import type { Prng } from '#base/prng.ts'
import type { RoleChange } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { LogStore, StoreFailure } from '#ports/log-store.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { NodeKey, Transport } from '#ports/transport.ts'
import type { CompactionPolicy } from './limits.ts'
import type { StateMachine } from './state-machine.ts'

export interface NodeConfig {
  readonly name: string
  /** Where other nodes reach this one. */
  readonly address: string
  /** Addresses of the initial voters, this node's own included, sorted; empty for a node that only joins. */
  readonly voters: readonly string[]
  /** Addresses to find a cluster at, besides the voters. */
  readonly seeds: readonly string[]
  readonly slots: number
  readonly replication: number
  readonly timing: Timing
  readonly compaction: CompactionPolicy
  readonly deadAfterMs: number
  readonly machineVersion: number
}

export interface NodePorts {
  readonly clock: Clock
  readonly store: LogStore
  readonly telemetry: Telemetry
  readonly prng: Prng
  readonly entropy: Entropy
  /** The transport of a node that now knows its incarnation; `clusterId` is null until it belongs to a cluster. */
  readonly connect: (self: NodeKey, clusterId: () => string | null) => Transport
  /** The machine of a slot (never of the meta group). */
  readonly machineFor: (group: number) => StateMachine
  readonly hooks?: ServiceHooks
}

/** What a node tells the service on it. */
export interface ServiceHooks {
  /** The own replica has another role, or knows another leader. */
  roleChanged(group: number, change: RoleChange): void
  /** The machine of the own replica has moved on, by entries or by a snapshot. */
  advanced(group: number): void
  /** The same service on another node, or this one, has a question. To be answered once, or never: then the asker runs out of time. */
  asked(group: number, question: Uint8Array, answer: (answer: Uint8Array) => void): void
}

export type NodeFatal =
  | { readonly type: 'damaged'; readonly detail: string }
  | StoreFailure
  | { readonly type: 'wrong-name' | 'removed'; readonly detail: string }
