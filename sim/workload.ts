import type { Prng } from '#base/prng.ts'
import type { Clock } from '#ports/clock.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { NodePorts } from '#runtime/node-config.ts'
import type { Admission } from '#services/common/admission.ts'
import type { LockstepNode } from '#runtime/node.ts'
import type { Checks } from '#sim/checks/checks.ts'
import type { Scheduler } from '#sim/world/scheduler.ts'
import type { SimCluster } from './cluster.ts'
import type { Trace } from './trace.ts'

/** What a run has besides its cluster and the faults: one service on every node, the clients of it, and what they were promised. */
export interface Workload {
  readonly serve: Serve
  /** Whether clients or the service are written with promises, which must be let run on between two events. */
  readonly usesPromises: boolean
  /** How often clients were told something, and whatever else is worth adding up over many runs. */
  readonly totals: Readonly<Record<string, number>> & { readonly answered: number }
  /** What clients did, by kind; a kind that no run had is a failure. */
  readonly actions: ReadonlyMap<string, number>
  start(): void
  /** Clients begin nothing new. */
  stop(): void
  /** After every event. Throws a violation that was found in the meantime. */
  afterEvent(): void
  /** What is still open once nothing new is begun; null when nothing is. */
  unrest(): string | null
  /** Looks at what all clients were told, at the end. Throws a violation. */
  judge(): void
}

export interface World {
  readonly scheduler: Scheduler
  readonly prng: Prng
  readonly cluster: SimCluster
  readonly trace: Trace
}

/** Makes a service for a node that is being started. */
export type Serve = (life: NodeLife) => Served

/** One life of a node, as its service sees it. */
export interface NodeLife {
  readonly name: string
  /** Asked for only once the node is made. */
  readonly node: () => LockstepNode
  readonly clock: Clock
  readonly prng: Prng
  readonly entropy: Entropy
  readonly telemetry: Telemetry
  readonly admission: Admission
  readonly checks: Checks
}

/** A service in one life of its node. */
export interface Served {
  readonly ports: Pick<NodePorts, 'machineFor' | 'hooks'>
  /** The node runs. */
  start(): void
  /** The node will stop in a moment: calls that wait are to be answered. */
  drain(): void
  stop(): void
  /** The node is dead. */
  crashed(): void
}
