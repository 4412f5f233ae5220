import { Redis } from 'ioredis'
import type { CacheClient } from '#bench/caches/cache-client.ts'

/** One Redis, asked for every read. What is under way in one turn goes in one pipeline. */
export class IoredisClient implements CacheClient {
  readonly here = null
  readonly #redis: Redis

  constructor([address = '']: readonly string[]) {
    this.#redis = new Redis(`redis://${address}`, { enableAutoPipelining: true })
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#redis.get(key)) ?? undefined
  }

  async set(key: string, value: string): Promise<void> {
    await this.#redis.set(key, value)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#redis.disconnect()
  }
}
