import { connect } from '#index.ts'
import type { Cache, Lockstep } from '#index.ts'
import type { CacheClient, Here } from '#bench/caches/cache-client.ts'

/** What a cache has unless it is told otherwise, and more than a line of ours takes here. */
const bytesMaxUsual = 64 * 1_048_576
const lineBytesMax = 512

/** Our library: this process has lines of its own. */
export class SdkClient implements CacheClient {
  readonly here: Here
  readonly #lockstep: Lockstep
  readonly #cache: Cache<string>

  private constructor(lockstep: Lockstep, cache: Cache<string>) {
    this.#lockstep = lockstep
    this.#cache = cache
    this.here = { get: (key) => cache.getSync(key), set: (key, value) => cache.setSync(key, value) }
  }

  static async connect(addresses: readonly string[], keys: number): Promise<SdkClient> {
    const lockstep = await connect({ cache: addresses.map((address) => `http://${address}`) })
    return new SdkClient(lockstep, await lockstep.cache<string>({ bytesMax: Math.max(bytesMaxUsual, keys * lineBytesMax) }))
  }

  get(key: string): Promise<string | undefined> {
    return this.#cache.get(key)
  }

  async set(key: string, value: string): Promise<void> {
    await this.#cache.set(key, value)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lockstep.close()
  }
}
