import { randomBytes } from 'node:crypto'
import type { NodeHttp } from '#http/node-http.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { NodePorts } from '#runtime/node-config.ts'
import type { LockstepNode } from '#runtime/node.ts'
import type { NodeOptions } from './node-options.ts'

/** What runs on the replicas of a node, and how it is reached. */
export interface Served {
  readonly http: NodeHttp
  readonly telemetry: Telemetry
  readonly machineVersion: number
  readonly ports: Pick<NodePorts, 'machineFor' | 'hooks'>
  /** The port is this node's, and the node runs. */
  start(): void
  /** It is about to stop. */
  leave(): void
  stop(): void
}

export type Serve = (options: NodeOptions & { readonly version: string }, node: () => LockstepNode) => Served

export const seed = (): number => randomBytes(6).readUIntBE(0, 6)
export const entropy: Entropy = { hex: (bytes) => randomBytes(bytes).toString('hex') }
