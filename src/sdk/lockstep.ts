import type { LockstepClient } from './client.ts'
import type { Election, ElectionOptions } from './election.ts'
import { invalid } from './options.ts'
import type { Locking } from './locking.ts'
import type { Owner } from './owner-handle.ts'
import type { Cache } from '#sdk/cache/cache.ts'
import type { CacheClient } from '#sdk/cache/cache-client.ts'
import type { CacheOptions } from '#sdk/cache/options.ts'
import type { Queue } from '#sdk/queue/queue.ts'
import type { QueueClient } from '#sdk/queue/queue-client.ts'

interface Clients {
  readonly locks: LockstepClient | null
  readonly queues: QueueClient | null
  readonly caches: CacheClient | null
}

/** A program's connections to the services that it named; a call to one that it did not name throws `invalid_request`. */
export class Lockstep implements Locking, AsyncDisposable {
  readonly #clients: Clients

  constructor(clients: Clients) {
    this.#clients = clients
  }

  /** The lock node that this client talks to; null while it has none. */
  get node(): string | null {
    return this.#clients.locks?.node ?? null
  }

  /** The queue node that carries whatever is sent; null while there is none. */
  get queueNode(): string | null {
    return this.#clients.queues?.node ?? null
  }

  get lock(): Locking['lock'] {
    return this.#locks.lock
  }

  get acquireMany(): Locking['acquireMany'] {
    return this.#locks.acquireMany
  }

  get withLock(): Locking['withLock'] {
    return this.#locks.withLock
  }

  /** For several locks of one thread of control. */
  owner(): Owner {
    return this.#locks.owner()
  }

  /** Campaigns for a role, which is the name of a lock. */
  elect(role: string, options: ElectionOptions): Election {
    return this.#locks.elect(role, options)
  }

  /** What this client holds and waits for, as it knows itself. */
  query(): ReturnType<LockstepClient['query']> {
    return this.#locks.query()
  }

  /** Who holds a lock and who waits for it, of all clients; linearizable. */
  inspect(name: string): ReturnType<LockstepClient['inspect']> {
    return this.#locks.inspect(name)
  }

  /** All locks whose name begins so; linearizable. */
  locks(...options: Parameters<LockstepClient['locks']>): ReturnType<LockstepClient['locks']> {
    return this.#locks.locks(...options)
  }

  /** The wait-for graph, and the last deadlocks. */
  deadlocks(): ReturnType<LockstepClient['deadlocks']> {
    return this.#locks.deadlocks()
  }

  /** Whether that very grant is held now. */
  check(name: string, fencingToken: number): ReturnType<LockstepClient['check']> {
    return this.#locks.check(name, fencingToken)
  }

  /**
   * A queue, whether or not it is there yet. Payloads are JSON; that they are of type `T` is the word of the program.
   *
   *     const orders = sync.queue<Order>('orders')
   */
  queue<T>(name: string): Queue<T> {
    return this.#queues.queue<T>(name)
  }

  /** All queues whose name begins so. */
  queues(...options: Parameters<QueueClient['queues']>): ReturnType<QueueClient['queues']> {
    return this.#queues.queues(...options)
  }

  /**
   * A coherent cache in this process, which is an agent of its own: it keeps lines, and is told when they go. Resolves when it knows its homes.
   *
   *     const cache = await sync.cache({ bytesMax: 64e6 })
   *     await cache.set('k', { n: 1 })
   *     cache.getSync('k') // { n: 1 }: a hit is a local memory read
   */
  cache<T = unknown>(options?: CacheOptions): Promise<Cache<T>> {
    if (this.#clients.caches === null) throw invalid('cache', 'given to connect(): where cache nodes are')
    return this.#clients.caches.cache<T>(options)
  }

  /** Stops what works on queues, which may be under locks; then closes caches; then releases all locks; then ends the connections. */
  async close(): Promise<void> {
    await this.#clients.queues?.close()
    await this.#clients.caches?.close()
    await this.#clients.locks?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #locks(): LockstepClient {
    if (this.#clients.locks === null) throw invalid('lock', 'given to connect(): where lock nodes are')
    return this.#clients.locks
  }

  get #queues(): QueueClient {
    if (this.#clients.queues === null) throw invalid('queue', 'given to connect(): where queue nodes are')
    return this.#clients.queues
  }
}
