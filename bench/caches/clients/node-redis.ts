import { BasicClientSideCache, createClient } from '@redis/client'
import type { CacheClient } from '#bench/caches/cache-client.ts'

const connected = async (address: string) =>
  createClient({ url: `redis://${address}`, RESP: 3, clientSideCache: new BasicClientSideCache() }).connect()

/** One Redis, which tells its clients when what they keep was changed. */
export class NodeRedisClient implements CacheClient {
  readonly here = null
  readonly #redis: Awaited<ReturnType<typeof connected>>

  private constructor(redis: Awaited<ReturnType<typeof connected>>) {
    this.#redis = redis
  }

  static async connect([address = '']: readonly string[]): Promise<NodeRedisClient> {
    return new NodeRedisClient(await connected(address))
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#redis.get(key)) ?? undefined
  }

  async set(key: string, value: string): Promise<void> {
    await this.#redis.set(key, value)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#redis.destroy()
  }
}
