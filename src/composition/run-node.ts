import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { Prng } from '#base/prng.ts'
import { JournaledLogStore } from '#io/journal/journaled-log-store.ts'
import { LmdbLogStore } from '#io/lmdb/lmdb-log-store.ts'
import { systemClock } from '#io/system-clock.ts'
import { TcpTransport, refusePeers } from '#io/transport/tcp-transport.ts'
import { defaultCompaction } from '#runtime/limits.ts'
import type { NodeConfig, NodeFatal } from '#runtime/node-config.ts'
import { LockstepNode } from '#runtime/node.ts'
import { serveLocks } from './lock-server.ts'
import type { NodeOptions } from './node-options.ts'
import { serveRegisters } from './register-server.ts'
import { entropy, seed } from './served.ts'
import type { Served } from './served.ts'

/** How a node ended. After `failed` it is not closed: nothing of its store may be touched any more, so the process has to end. */
export type NodeEnding =
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly reason: NodeFatal }
  | { readonly type: 'not-listening'; readonly code: string }

/** For requests under way when the node is told to stop. */
const drainMs = 1_000

/** Runs one node until the signal stops it, or it cannot go on. Rejects with what is a fault of this program. */
export async function runNode(options: NodeOptions & { readonly version: string }, signal: AbortSignal): Promise<NodeEnding> {
  const serve = options.service === 'lock' ? serveLocks : serveRegisters
  const served = serve(options, () => node)
  const { http } = served
  const failed = Promise.withResolvers<NodeEnding>()
  // It listens before it has loaded its store, to find out about the port first.
  const acceptPeers = refusePeers(http.fastify.server)
  const node = nodeOf(options, served, { acceptPeers, fatal: (reason) => failed.resolve({ type: 'failed', reason }) })
  const fault = await listen(http.fastify, options)
  if (fault !== null) return { type: 'not-listening', code: fault }
  node.start()
  served.start()
  return Promise.race([failed.promise, stopped(node, served, signal)])
}

interface Fates {
  readonly acceptPeers: () => void
  readonly fatal: (reason: NodeFatal) => void
}

function nodeOf(options: NodeOptions, { http, telemetry, machineVersion, ports }: Served, { acceptPeers, fatal }: Fates): LockstepNode {
  const { service, secret, data: folder } = options
  const clock = systemClock
  return new LockstepNode(
    configOf(options, machineVersion),
    {
      clock,
      telemetry,
      entropy,
      prng: new Prng(seed()),
      store: new JournaledLogStore({ folder, beneath: new LmdbLogStore({ folder }) }),
      connect: (self, clusterId) => {
        acceptPeers()
        const { server } = http.fastify
        return new TcpTransport({ server, self, service, clusterId, secret, clock, telemetry, prng: new Prng(seed()) })
      },
      ...ports,
    },
    fatal,
  )
}

/** Requests first, while this node can still carry them out; then leadership is handed over, and the connections close. */
async function stopped(node: LockstepNode, served: Served, signal: AbortSignal): Promise<NodeEnding> {
  if (!signal.aborted) await once(signal, 'abort')
  const { http } = served
  served.leave()
  await http.drain(drainMs)
  served.stop()
  await new Promise<void>((resolve) => node.stop(resolve))
  await http.fastify.close()
  return { type: 'stopped' }
}

const configOf = ({ id, address, voters, seeds, slots, timing }: NodeOptions, machineVersion: number): NodeConfig => ({
  name: id,
  address,
  voters,
  seeds,
  slots,
  replication: 3,
  timing,
  compaction: defaultCompaction,
  deadAfterMs: 60_000,
  machineVersion,
})

/** The code of the error when that is impossible; null when it listens. */
async function listen(fastify: FastifyInstance, { listen: { host, port } }: NodeOptions): Promise<string | null> {
  try {
    await fastify.listen({ host, port })
    return null
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!listenFaults.has(code)) throw error
    return code
  }
}

const listenFaults: ReadonlySet<string> = new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES', 'ENOTFOUND', 'EAI_AGAIN'])
