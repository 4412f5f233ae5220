import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis'
import type { CacheClient } from '#bench/caches/cache-client.ts'

/** What is kept in the process, in Redis behind it, and a bus of Redis that tells others when something was changed: as its guide has it. */
export class BentoClient implements CacheClient {
  readonly here = null
  readonly #cache: BentoCache<{ readonly values: ReturnType<typeof storeOf> }>

  constructor([address = '']: readonly string[], keys: number) {
    this.#cache = new BentoCache({ default: 'values', stores: { values: storeOf(address, keys) } })
  }

  async get(key: string): Promise<string | undefined> {
    return this.#cache.get<string | undefined>({ key })
  }

  async set(key: string, value: string): Promise<void> {
    if (!(await this.#cache.set({ key, value, ttl: '1h' }))) throw new Error(`${key} was not written`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cache.disconnect()
  }
}

function storeOf(address: string, keys: number): ReturnType<typeof bentostore> {
  const [host = '', port] = address.split(':')
  const connection = { host, port: Number(port) }
  return bentostore()
    .useL1Layer(memoryDriver({ maxItems: Math.max(keys, 100_000) }))
    .useL2Layer(redisDriver({ connection }))
    .useBus(redisBusDriver({ connection }))
}
