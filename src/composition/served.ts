import { randomBytes } from 'node:crypto'
import type { FastifyServerFactory } from 'fastify'
import type { NodeApi } from '#api/common/node-api.ts'
import type { NodeHttp } from '#http/node-http.ts'
import type { Entropy } from '#ports/entropy.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import type { NodePorts } from '#runtime/node-config.ts'
import type { LockstepNode } from '#runtime/node.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import type { NodeOptions } from './node-options.ts'

/** What runs on the replicas of a node, and how it is reached. */
export interface Served {
  readonly http: NodeHttp
  readonly telemetry: Telemetry
  readonly machineVersion: number
  readonly ports: Pick<NodePorts, 'machineFor' | 'hooks'>
  /** Null while it starts, and of a service that knows no operators. */
  readonly nodeApi: () => NodeApi | null
  /** The port is this node's, and the node runs. */
  start(): void
  /** It is about to stop. */
  leave(): void
  /** No request is open any more: over when what was answered is as safe as it gets, in bounded time. */
  settle?(): Promise<void>
  stop(): void
}

/** The one port of the node. */
export interface Port {
  readonly serverFactory: FastifyServerFactory
  /** What an operator should know of it. */
  readonly warnings: () => readonly string[]
}

export interface ServeOptions extends NodeOptions {
  /** Of this software. */
  readonly version: string
  /** Whether what the node keeps has room for what only grows. */
  readonly hasRoom: () => boolean
}

/** A service that runs on more than one engine asks for no more than a `SlotHost`. */
export type Serve<Node extends SlotHost = LockstepNode> = (options: ServeOptions, node: () => Node, port: Port) => Served

/** A node and what it serves. */
export interface Hosted {
  readonly served: Served
  readonly node: { start(): void; stop(done: () => void): void }
}

export const seed = (): number => randomBytes(6).readUIntBE(0, 6)
export const entropy: Entropy = { hex: (bytes) => randomBytes(bytes).toString('hex') }
