import type { JsonBytes } from '#api/schemas.ts'
import type { SnoopPolicy } from '#core/cache/home-state.ts'
import type { CacheLimits } from '#core/cache/limits.ts'
import { slotOf } from '#core/ring/partition.ts'
import { CacheServer } from '#services/cache/cache-server.ts'
import { ServiceWorld } from './service-world.ts'
import type { ServiceWorldOptions, WorldNode } from './service-world.ts'

interface CacheWorldOptions extends ServiceWorldOptions {
  readonly slots?: number
  readonly limits?: Partial<CacheLimits>
  readonly snoops?: SnoopPolicy
}

/** The cache service on simulated machines. */
export class CacheWorld extends ServiceWorld<CacheServer> {
  readonly slots: number

  private constructor({ slots = 4, limits = {}, snoops = 'filter', ...options }: CacheWorldOptions) {
    super((ports) => new CacheServer({ ...ports, limits, snoops }), slots, options)
    this.slots = slots
  }

  static async start(options: CacheWorldOptions = {}): Promise<CacheWorld> {
    const world = new CacheWorld(options)
    for (let slot = 1; slot <= world.slots; slot++) await world.leaderOf(slot)
    // Right after the start leadership moves to where the table wants it.
    await world.run(3_000)
    return world
  }

  homeOf(key: string): Promise<WorldNode<CacheServer>> {
    return this.leaderOf(slotOf(key, 0, this.slots))
  }

  client(name: string): CacheClient {
    return new CacheClient(this, name)
  }
}

export const json = (value: unknown): JsonBytes => Buffer.from(JSON.stringify(value)) as Uint8Array as JsonBytes

/** Calls to one node in few words: what they come to is a text. */
export class CacheClient {
  readonly #world: CacheWorld
  readonly name: string

  constructor(world: CacheWorld, name: string) {
    this.#world = world
    this.name = name
  }

  get server(): CacheServer {
    return this.#world.get(this.name).server
  }

  async read(key: string): Promise<string> {
    return this.#world.answer(this.reading(key))
  }

  async reading(key: string): Promise<string> {
    const read = await this.server.cache.read({ key })
    if (!read.ok) return read.error.code
    const { value, state, hit } = read.value
    return `${value === null ? 'absent' : Buffer.from(value).toString()} ${state}${hit ? ' hit' : ''}`
  }

  write(key: string, value: unknown, more: object = {}): Promise<string> {
    return this.#world.answer(this.writing(key, value, more))
  }

  async writing(key: string, value: unknown, more: object = {}): Promise<string> {
    const written = await this.server.cache.write({ key, value: json(value), ...more })
    return written.ok ? `${written.value.state} ${written.value.invalidated}` : written.error.code
  }

  async increment(key: string, more: object = {}): Promise<string> {
    return this.#world.answer(this.incrementing(key, more))
  }

  async incrementing(key: string, more: object = {}): Promise<string> {
    const added = await this.server.cache.increment({ key, ...more })
    return added.ok ? String(added.value.value) : added.error.code
  }

  async delete(key: string): Promise<string> {
    const deleted = await this.#world.answer(this.server.cache.delete({ key }))
    return deleted.ok ? `gone ${deleted.value.invalidated}` : deleted.error.code
  }
}
