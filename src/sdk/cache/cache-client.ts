import { Connecting } from '#sdk/connecting.ts'
import type { Endpoints } from '#sdk/endpoints.ts'
import { LockstepError } from '#sdk/errors.ts'
import { Uplink } from '#sdk/uplink.ts'
import type { CacheClientMessage, CacheServerMessage } from '#wire/cache-client-message.ts'
import { Cache } from './cache.ts'
import { CacheAgent } from './cache-agent.ts'
import { cacheSdkLimits as limits } from './limits.ts'
import type { CacheOptions } from './options.ts'
import { boundOf, checkAck, checkNamespace } from './options.ts'
import type { CacheSdkPorts } from './ports.ts'

export interface CacheClientOptions {
  readonly urls: readonly string[]
  readonly timeoutMs: number
  /** Name and version, for people. */
  readonly software: string
}

/** Where the cache is. Each cache that is made of it is an agent with lines and connections of its own. */
export class CacheClient implements AsyncDisposable {
  readonly #ports: CacheSdkPorts
  readonly #options: CacheClientOptions
  readonly #endpoints: Endpoints
  readonly #agents = new Set<CacheAgent>()
  #isClosed = false

  private constructor(ports: CacheSdkPorts, options: CacheClientOptions, endpoints: Endpoints) {
    this.#ports = ports
    this.#options = options
    this.#endpoints = endpoints
  }

  /** Resolves when a node has answered; rejects with `connection_failed` when none of them does. */
  static async connect(ports: CacheSdkPorts, options: CacheClientOptions): Promise<CacheClient> {
    const connecting = new Connecting<null>(options.urls, 'cache')
    const { endpoints } = connecting
    const uplink = new Uplink<CacheClientMessage, CacheServerMessage>(ports, endpoints, {
      service: 'cache',
      software: options.software,
      steering: () => null,
      events: { up: () => connecting.up(null), down: () => {}, message: () => {}, failed: (attempt) => connecting.failed(attempt) },
    })
    await waitFor(connecting, { ports, timeoutMs: options.timeoutMs, start: () => uplink.start() }).finally(() => uplink.stop())
    return new CacheClient(ports, options, endpoints)
  }

  /** Resolves when it knows its homes; rejects with `connection_failed` when no node can be reached. */
  async cache<T>({
    bytesMax = limits.bytesMax,
    linesMax = limits.linesMax,
    namespace = '',
    ack = 'replicated',
  }: CacheOptions = {}): Promise<Cache<T>> {
    if (this.#isOver()) throw closed()
    checkNamespace(namespace)
    checkAck(ack)
    const bounds = { bytesMax: boundOf('bytesMax', bytesMax, limits.bytesMaxMin), linesMax: boundOf('linesMax', linesMax, 1) }
    const { software, timeoutMs } = this.#options
    const connecting = new Connecting<null>(this.#endpoints.all(), 'cache')
    const agent = new CacheAgent(this.#ports, {
      endpoints: connecting.endpoints,
      software,
      timeoutMs,
      ...bounds,
      up: () => connecting.up(null),
      failed: (attempt) => connecting.failed(attempt),
      closed: () => this.#agents.delete(agent),
    })
    try {
      await waitFor(connecting, { ports: this.#ports, timeoutMs, start: () => agent.start() })
    } catch (error) {
      agent.abandon()
      throw error
    }
    if (this.#isOver()) {
      agent.abandon()
      throw closed()
    }
    this.#agents.add(agent)
    return new Cache<T>({ agent, clock: this.#ports.leaseClock, namespace, ack })
  }

  /** Of the caches that are open, the oldest first: for who looks at what all of them have. */
  get agents(): Iterable<CacheAgent> {
    return this.#agents
  }

  /** Also while a cache was being made. */
  #isOver(): boolean {
    return this.#isClosed
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#agents].map((agent) => agent.close()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

const closed = (): LockstepError => new LockstepError('closed', 'this client was closed')

interface Wait {
  readonly ports: CacheSdkPorts
  readonly timeoutMs: number
  readonly start: () => void
}

async function waitFor(connecting: Connecting<null>, { ports, timeoutMs, start }: Wait): Promise<void> {
  const cancel = ports.clock.after(timeoutMs, () => connecting.outOfTime(timeoutMs))
  start()
  try {
    await connecting.done
  } finally {
    cancel()
  }
}
