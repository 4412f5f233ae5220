import { Redis } from 'ioredis'
import Redlock, { ExecutionError, ResourceLockedError } from 'redlock'
import type { HeldLock, LockClient, LockClients } from '#bench/locks/lock-client.ts'
import { retrying } from '#bench/locks/lock-client.ts'

const ttlMs = 30_000
/** Its own default: 200 ms, give or take up to 100. */
const restMs = (): number => 100 + Math.random() * 200

/** Redlock on Redis servers that know nothing of each other. All clients share one connection to each. */
export class RedlockClients implements LockClients {
  readonly #servers: readonly Redis[]
  readonly #redlock: Redlock
  #failure: Error | null = null

  constructor(addresses: readonly string[]) {
    this.#servers = addresses.map((address) => new Redis(`redis://${address}`, { enableAutoPipelining: true }))
    this.#redlock = new Redlock(this.#servers, { retryCount: 0 })
    this.#redlock.on('error', (error: Error) => {
      if (!(error instanceof ResourceLockedError)) this.#failure ??= error
    })
  }

  async newClient(): Promise<LockClient> {
    return { acquire: (name, until) => retrying(() => this.#attempt(name), until, restMs) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) server.disconnect()
  }

  async #attempt(name: string): Promise<HeldLock | null> {
    try {
      const lock = await this.#redlock.acquire([name], ttlMs)
      return { token: null, release: async () => void (await lock.release()) }
    } catch (error) {
      if (this.#failure !== null) throw this.#failure
      if (error instanceof ExecutionError) return null
      throw error
    }
  }
}
