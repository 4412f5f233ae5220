import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import type { HeldLock, LockClient, LockClients } from '#bench/locks/lock-client.ts'
import { retrying } from '#bench/locks/lock-client.ts'

const ttlMs = 30_000
/** As redlock waits. */
const restMs = (): number => 100 + Math.random() * 200
const releaseScript = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"

/** One Redis: `SET … NX PX`, and a script that deletes only what is one's own. All clients share one connection. */
export class RedisClients implements LockClients {
  readonly #redis: Redis

  constructor([address = '']: readonly string[]) {
    this.#redis = new Redis(`redis://${address}`, { enableAutoPipelining: true })
  }

  async newClient(): Promise<LockClient> {
    return { acquire: (name, until) => retrying(() => this.#attempt(name), until, restMs) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#redis.disconnect()
  }

  async #attempt(name: string): Promise<HeldLock | null> {
    const value = randomUUID()
    if ((await this.#redis.set(name, value, 'PX', ttlMs, 'NX')) === null) return null
    return {
      token: null,
      release: async () => {
        if ((await this.#redis.eval(releaseScript, 1, name, value)) !== 1) throw new Error(`${name} was held by somebody else`)
      },
    }
  }
}
