import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Timing } from '#core/cluster/types.ts'
import { cacheSlots } from '#services/cache/limits.ts'
import { queueSlots } from '#services/queue/limits.ts'
import type { NodeEnding } from './run-node.ts'
import { runNode } from './run-node.ts'
import type { NodeOptions } from './node-options.ts'

/** All services in one process, for development and for the tests of an application. */

export type DevService = 'lock' | 'queue' | 'cache'

export interface DevNode {
  readonly service: DevService
  readonly id: string
  readonly url: string
}

export interface DevOptions {
  readonly services: readonly DevService[]
  /** Of each service. */
  readonly nodes: number
  /** Where they listen: on ports of their own that are free, on the usual ones, or on as many from one on. */
  readonly ports: 'free' | 'usual' | { readonly from: number }
  /** Where they keep their data, each in a folder of its own; null: in memory. */
  readonly folder: string | null
  readonly logLevel: string
  readonly version: string
}

export interface RunningDev {
  readonly type: 'running'
  /** All are ready. */
  readonly nodes: readonly DevNode[]
  /** Resolves with the first node that ends without having been told to. */
  readonly failed: Promise<DevFailure>
  /** Resolves when none runs any more. */
  readonly stop: () => Promise<void>
}

/** One that ended without having been told to, in words. */
export interface DevFailure {
  readonly type: 'failed'
  readonly detail: string
  /** Where it could not listen; null when that is not it. */
  readonly port: number | null
}

const usualPorts = { lock: 8001, queue: 9001, cache: 7001 } as const
/** Of a queue its slots, and the catalogue. */
const groups = { lock: 1, queue: queueSlots + 1, cache: cacheSlots } as const
/** A node that is alone is elected at once. Several in one process all stand still when that does, and must not take each other for dead. */
const timings: Readonly<Record<'alone' | 'several', Timing>> = {
  alone: { heartbeatMs: 50, electionMinMs: 150, electionMaxMs: 300, leaseMs: 135 },
  several: { heartbeatMs: 100, electionMinMs: 500, electionMaxMs: 1_000, leaseMs: 450 },
}
const lookMs = 10
/** All that use it are on this machine, and its own nodes among them. */
const connectionsPerAddress = 65_536

/** Resolves when all nodes are ready. Rejects with the reason of the signal. When it is not running, no node is. */
export async function runDev(options: DevOptions, signal?: AbortSignal): Promise<RunningDev | DevFailure> {
  signal?.throwIfAborted()
  const stopping = new AbortController()
  const nodes = await placesOf(options)
  const runs = nodes.map((node) => ({ node, ending: runNode(optionsOf(node, nodes, options), stopping.signal) }))
  const stop = async (): Promise<void> => {
    stopping.abort()
    await Promise.all(runs.map(({ ending }) => ending))
  }
  const failed = Promise.race(runs.map(async ({ node, ending }) => failureOf(node, await ending)))
  const ready = Promise.all(nodes.map(({ url }) => untilReady(url, stopping.signal))).then(() => null)
  const over = new AbortController()
  const aborted = signal === undefined ? [] : [once(signal, 'abort', { signal: over.signal }).then(() => signal)]
  try {
    const first = await Promise.race([ready, failed, ...aborted])
    if (first === null) return { type: 'running', nodes, failed, stop }
    await stop()
    if (first instanceof AbortSignal) throw first.reason
    return first
  } finally {
    for (const each of aborted) each.catch(() => {})
    over.abort()
  }
}

async function placesOf({ services, nodes: count, ports }: DevOptions): Promise<readonly DevNode[]> {
  const wanted = services.flatMap((service) => Array.from({ length: count }, (_, at) => ({ service, at })))
  const free = ports === 'free' ? await freePorts(wanted.length) : []
  return wanted.map(({ service, at }, index) => {
    const port = ports === 'usual' ? usualPorts[service] + at : ports === 'free' ? (free[index] ?? 0) : ports.from + index
    return { service, id: `${service}-node-${at + 1}`, url: `http://${host}:${port}` }
  })
}

const host = '127.0.0.1'

/** A node must know its address, and those of others, before it listens; so a port is looked for and let go again. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, host))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((closed) => void server.close(closed))))
  return ports
}

function optionsOf(
  { service, id, url }: DevNode,
  all: readonly DevNode[],
  options: DevOptions,
): NodeOptions & { readonly version: string } {
  const addressOf = (each: string): string => new URL(each).host
  return {
    service,
    id,
    listen: { host, port: Number(new URL(url).port) },
    address: addressOf(url),
    voters: all
      .filter((each) => each.service === service)
      .map((each) => addressOf(each.url))
      .sort(),
    seeds: [],
    data: options.folder === null ? null : join(options.folder, id),
    store: 'disk',
    linesMax: null,
    snoops: 'filter',
    valueBytesMax: null,
    whenFull: 'lru',
    deadlockPolicy: 'requester',
    slots: groups[service],
    secret: null,
    tls: null,
    timing: timings[options.nodes === 1 ? 'alone' : 'several'],
    logLevel: options.logLevel,
    leaveMs: null,
    deadAfterMs: 60_000,
    access: { tokens: null, ratePerSecond: null, connectionsPerAddress },
    consolePeers: all.map((each) => addressOf(each.url)),
    redis: null,
    version: options.version,
  }
}

async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const isReady = await fetch(`${url}/readyz`, { signal }).then(
      ({ ok }) => ok,
      // It does not listen yet, or it was told to stop.
      () => false,
    )
    if (isReady) return
    await sleep(lookMs)
  }
}

function failureOf({ id, url }: DevNode, ending: NodeEnding): DevFailure {
  const { host: address, port } = new URL(url)
  switch (ending.type) {
    case 'not-listening':
      return { type: 'failed', detail: `${id} cannot listen on ${address} (${ending.code})`, port: Number(port) }
    case 'failed':
      return { type: 'failed', detail: `${id} cannot go on: ${ending.reason.detail}`, port: null }
    case 'no-certificates':
      return { type: 'failed', detail: `${id} cannot begin: ${ending.detail}`, port: null }
    case 'stopped':
    case 'left':
      return { type: 'failed', detail: `${id} has ended`, port: null }
  }
}
