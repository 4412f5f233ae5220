import type { Timing } from '#core/cluster/types.ts'
import type { Prng } from '#base/prng.ts'
import type { RoleChange } from '#core/raft/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { LogStore, StoreFailure } from '#ports/log-store.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { NodeKey, Transport } from '#ports/transport.ts'
import type { CompactionPolicy } from './limits.ts'
import type { LookUp } from './seed-finder.ts'
import type { StateMachine } from './state-machine.ts'

export interface NodeConfig {
  readonly name: string
  readonly service?: string
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
  /** For seeds that are names of several nodes; without it a name is one address. */
  readonly lookUp?: LookUp
}

/** What a node tells the service on it. */
export interface ServiceHooks {
  /** The own replica has another role, or knows another leader. */
  roleChanged(group: number, change: RoleChange): void
  /** The machine of the own replica has moved on, by entries or by a snapshot. Of the meta group, which need not be there: see who the members are. */
  advanced(group: number): void
  /**
   * Leadership of a group that this node leads is about to be handed over, and with it goes its lease: `done` is called when the service is ready, soon, for until
   * then nothing happens.
   */
  handingOver?(group: number, done: () => void): void
  /** The same service on another node, or this one, has a question. To be answered once, or never: then the asker runs out of time. */
  asked(group: number, question: Uint8Array, answer: (answer: Uint8Array) => void): void
  /** The same service on another node, or this one, says something that needs no answer; it may have been sent long ago. */
  noticed?(from: string, content: Uint8Array): void
}

export type NodeFatal =
  | { readonly type: 'damaged'; readonly detail: string }
  | StoreFailure
  /** Nothing is wrong: it was told to leave, its replicas have moved, and the others go on without it. */
  | { readonly type: 'left'; readonly detail: string }
  | { readonly type: 'wrong-store' | 'removed'; readonly detail: string }
