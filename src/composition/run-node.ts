import { once } from 'node:events'
import * as nodeModule from 'node:module'
import { deferred } from '#base/deferred.ts'
import type { FastifyInstance } from 'fastify'
import { Prng } from '#base/prng.ts'
import { err, ok } from '#base/result.ts'
import type { Result } from '#base/result.ts'
import { limitConnections } from '#http/connection-limit.ts'
import { JournaledLogStore } from '#io/journal/journaled-log-store.ts'
import { DiskRoom, spaceOf } from '#io/disk-room.ts'
import { emptyStore } from '#io/empty-store.ts'
import { Entrances } from '#io/listener/entrances.ts'
import { listenerLimits } from '#io/listener/limits.ts'
import { lookUp } from '#io/look-up.ts'
import { LmdbLogStore } from '#io/lmdb/lmdb-log-store.ts'
import { MemoryLogStore } from '#io/memory/memory-log-store.ts'
import { systemClock } from '#io/system-clock.ts'
import { TcpTransport, refusePeers } from '#io/transport/tcp-transport.ts'
import type { LogStore } from '#ports/log-store.ts'
import { FleetingLogStore } from '#runtime/fleeting-log-store.ts'
import { defaultCompaction } from '#runtime/limits.ts'
import type { NodeConfig, NodeFatal } from '#runtime/node-config.ts'
import { LockstepNode } from '#runtime/node.ts'
import type { RedisFatal } from '#runtime/redis-engine/redis-host.ts'
import { type Door, openDoor } from './door.ts'
import type { NodeOptions } from './node-options.ts'
import { entropy, seed } from './served.ts'
import type { Hosted, Serve, Served } from './served.ts'
import { leaveFirst } from './leave-first.ts'
import { storageUse } from './storage-use.ts'

/** How a node ended. After `failed` it is not closed: nothing of its store may be touched any more, so the process has to end. */
export type NodeEnding =
  | { readonly type: 'stopped' }
  /** Its cluster, as it was asked to. */
  | { readonly type: 'left' }
  | { readonly type: 'failed'; readonly reason: NodeFatal | RedisFatal }
  | { readonly type: 'not-listening'; readonly code: string }
  | { readonly type: 'no-certificates'; readonly detail: string }

/** A node loads its own service only. */
const services: Readonly<Record<NodeOptions['service'], () => Promise<Serve>>> = {
  lock: async () => (await import('./lock-server.ts')).serveLocks,
  queue: async () => {
    const { serveQueues } = await import('./queue-server.ts')
    return (options, node, port) => serveQueues({ storage: () => storageUse(options.data), metrics: [] })(options, node, port)
  },
  cache: async () => (await import('./cache-server.ts')).serveCache,
  register: async () => (await import('./register-server.ts')).serveRegisters,
}

/** For requests under way when the node is told to stop. */
const drainMs = 1_000

/** Runs one node until the signal stops it, or it cannot go on. Rejects with what is a fault of this program. */
export async function runNode(options: NodeOptions & { readonly version: string }, signal: AbortSignal): Promise<NodeEnding> {
  const opened = openDoor(options)
  if (!opened.ok) return { type: 'no-certificates', detail: opened.error }
  const door = opened.value
  const failed = deferred<NodeEnding>()
  const left = new AbortController()
  const fatal = (reason: NodeFatal | RedisFatal): void => {
    if (reason.type === 'left') left.abort()
    else failed.resolve({ type: 'failed', reason })
  }
  // The client of Redis is loaded only where it is used.
  const { served, node } =
    options.redis === null
      ? embeddedNode(options, await services[options.service](), { door, fatal })
      : (await import('./redis-node.ts')).redisNode(options, options.redis, { door, fatal })
  limitConnections(served.http.fastify.server, options.access.connectionsPerAddress)
  // It listens before it has loaded its store, to find out about the port first.
  const entered = await listen(served.http.fastify, options)
  if (!entered.ok) return { type: 'not-listening', code: entered.error }
  keepCompiled()
  door.watch(served.telemetry)
  node.start()
  served.start()
  const { leaveMs, data } = options
  const stop = leaveMs === null ? signal : leaveFirst({ node: served.nodeApi, clock: systemClock, asked: signal, limitMs: leaveMs })
  const stopping = stopped(node, { ...served, entrances: entered.value }, AbortSignal.any([stop, left.signal])).finally(() => door.close())
  const ending = await Promise.race([failed.promise, stopping.then((): NodeEnding => ({ type: left.signal.aborted ? 'left' : 'stopped' }))])
  // The next life of such a node joins as another one, which needs an empty store.
  if (leaveMs !== null && data !== null && isOver(ending)) emptyStore(data)
  return ending
}

/** The next node finds it: nodes are killed, and would not come to do so at their end. Node.js 20 cannot. */
function keepCompiled(): void {
  const { flushCompileCache }: Partial<typeof nodeModule> = nodeModule
  flushCompileCache?.()
}

/** The cluster goes on without it for good. */
const isOver = (ending: NodeEnding): boolean => ending.type === 'left' || (ending.type === 'failed' && ending.reason.type === 'removed')

function embeddedNode(
  options: NodeOptions & { readonly version: string },
  serve: Serve,
  { door, fatal }: { readonly door: Door; readonly fatal: (reason: NodeFatal) => void },
): Hosted {
  const { data } = options
  const room = new DiskRoom({ space: () => (data === null ? Promise.resolve(endless) : spaceOf(data)), clock: systemClock })
  const served = watching(
    room,
    serve({ ...options, hasRoom: () => room.has }, () => node, door.port),
  )
  const acceptPeers = refusePeers(served.http.fastify.server)
  const node = nodeOf(options, served, { door, acceptPeers, fatal })
  return { served, node }
}

/** What is only in memory is not for long. */
const endless = { free: Infinity, total: Infinity }

const watching = (room: DiskRoom, served: Served): Served => ({
  ...served,
  start() {
    room.start(served.telemetry)
    served.start()
  },
  stop() {
    room.stop()
    served.stop()
  },
})

interface Fates {
  readonly door: Door
  readonly acceptPeers: () => void
  readonly fatal: (reason: NodeFatal) => void
}

function nodeOf(
  options: NodeOptions,
  { http, telemetry, machineVersion, ports }: Served,
  { door, acceptPeers, fatal }: Fates,
): LockstepNode {
  const { service, secret } = options
  const clock = systemClock
  return new LockstepNode(
    configOf(options, machineVersion),
    {
      clock,
      telemetry,
      entropy,
      prng: new Prng(seed()),
      lookUp,
      store: storeOf(options),
      connect: (self, clusterId) => {
        acceptPeers()
        const { server } = http.fastify
        return new TcpTransport({ server, self, service, clusterId, secret, ...door.peers, clock, telemetry, prng: new Prng(seed()) })
      },
      ...ports,
    },
    fatal,
  )
}

function storeOf({ data: folder, store }: NodeOptions): LogStore {
  if (folder === null) return new MemoryLogStore()
  const disk = new JournaledLogStore({ folder, beneath: new LmdbLogStore({ folder }) })
  return store === 'memory' ? new FleetingLogStore({ disk, memory: new MemoryLogStore() }) : disk
}

/** Requests first, while this node can still carry them out; then leadership is handed over, and the connections close. */
async function stopped(node: Hosted['node'], served: Served & { readonly entrances: Entrances }, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
  const { http, entrances } = served
  served.leave()
  await http.drain(drainMs)
  await served.settle?.()
  served.stop()
  await new Promise<void>((resolve) => node.stop(resolve))
  entrances.close()
  await http.fastify.close()
}

const configOf = (
  { id, service, address, voters, seeds, slots, timing, deadAfterMs }: NodeOptions,
  machineVersion: number,
): NodeConfig => ({
  name: id,
  service,
  address,
  voters,
  seeds,
  slots,
  replication: 3,
  timing,
  compaction: defaultCompaction,
  deadAfterMs,
  machineVersion,
})

/** The code of the error when that is impossible. */
async function listen(fastify: FastifyInstance, { listen: { host, port } }: NodeOptions): Promise<Result<Entrances, string>> {
  const { acceptBacklog: backlog, entrances: count } = listenerLimits
  try {
    await fastify.listen(await Entrances.claim({ host, port, backlog }))
    const addresses = fastify.addresses().filter((address) => typeof address !== 'string')
    return ok(await Entrances.open(fastify.server, addresses, { count, backlog }))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!listenFaults.has(code)) throw error
    return err(code)
  }
}

const listenFaults: ReadonlySet<string> = new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES', 'ENOTFOUND', 'EAI_AGAIN'])
