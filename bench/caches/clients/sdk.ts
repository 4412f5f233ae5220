import { connect } from '#index.ts'
import type { Cache, Lockstep } from '#index.ts'
import type { CacheClient, Here } from '#bench/caches/cache-client.ts'

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

  static async connect(addresses: readonly string[]): Promise<SdkClient> {
    const lockstep = await connect({ cache: addresses.map((address) => `http://${address}`) })
    return new SdkClient(lockstep, await lockstep.cache<string>())
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
