import { ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import type { WorldClient } from '#test/harness/cache-sdk-world.ts'
import { CacheSdkWorld } from '#test/harness/cache-sdk-world.ts'
import type { Cache } from './cache.ts'

interface Application {
  readonly client: WorldClient
  readonly cache: Cache<number>
}

const keys = ['a', 'b', 'c', 'd', 'e']
const rounds = 1_500

/** Applications that count up, and look at what is counted, while links break, processes stop and nodes die. */
class Counting {
  readonly #world: CacheSdkWorld
  readonly #applications: readonly Application[]
  readonly #prng: Prng
  /** The highest sum of each key that anybody was told. */
  readonly #told = new Map<string, number>()
  readonly #sums = new Map<string, Set<number>>()
  readonly done = { added: 0, unknown: 0, hits: 0, reads: 0, faults: 0 }

  constructor(world: CacheSdkWorld, applications: readonly Application[], seed: number) {
    this.#world = world
    this.#applications = applications
    this.#prng = new Prng(seed)
  }

  async run(): Promise<void> {
    const open = new Set<Promise<void>>()
    for (let round = 0; round < rounds; round++) {
      const { client, cache } = this.#prng.pick(this.#applications)
      if (!client.machine.paused) {
        const call = this.#act(cache, this.#prng.pick(keys))
        open.add(call)
        void call.then(() => open.delete(call))
      }
      if (this.#prng.chance(0.02)) await this.#fault()
      await this.#world.world.run(this.#prng.between(1, 12))
    }
    for (const { client } of this.#applications) if (client.machine.paused) client.machine.resume()
    await this.#world.world.answer(Promise.all(open))
  }

  async #act(cache: Cache<number>, key: string): Promise<void> {
    const floor = this.#told.get(key) ?? 0
    const here = cache.getSync(key)
    if (here !== undefined) {
      this.done.hits++
      ok(here >= floor, `${key}: ${here} from memory after ${floor}`)
    }
    if (this.#prng.chance(0.6)) {
      const value = await cache.get(key).catch(() => null)
      if (value === null) return
      this.done.reads++
      ok((value ?? 0) >= floor, `${key}: ${value} after ${floor}`)
    } else {
      const sum = await cache.increment(key).catch(() => null)
      if (sum === null) {
        this.done.unknown++
        return
      }
      this.done.added++
      ok(sum > floor, `${key}: ${sum} after ${floor}`)
      const sums = this.#sums.get(key) ?? new Set()
      this.#sums.set(key, sums)
      ok(!sums.has(sum), `${key}: ${sum} twice`)
      sums.add(sum)
      this.#told.set(key, Math.max(sum, this.#told.get(key) ?? 0))
    }
  }

  async #fault(): Promise<void> {
    const { world } = this.#world
    this.done.faults++
    const { client } = this.#prng.pick(this.#applications)
    const node = this.#prng.pick(world.nodes)
    switch (this.#prng.between(0, 4)) {
      case 0:
        if (client.machine.paused) client.machine.resume()
        else client.machine.pause()
        break
      case 1:
        this.#world.cut(node.name)
        break
      case 2:
        if (this.#world.unreachable.has(node.name)) this.#world.unreachable.delete(node.name)
        else if (this.#world.unreachable.size === 0) this.#world.unreachable.add(node.name)
        break
      case 3:
        this.#world.loses = this.#prng.chance(0.5) ? () => this.#prng.chance(0.1) : () => false
        break
      default:
        if (world.nodes.every(({ down }) => !down)) this.#world.crash(node.name)
        else for (const dead of world.nodes.filter(({ down }) => down)) world.restart(dead)
    }
    await world.run(1)
  }
}

for (const seed of [1, 2, 3]) {
  test(`nobody reads less than anybody was told before, and every sum is given once, seed ${seed}`, { timeout: 120_000 }, async () => {
    const world = await CacheSdkWorld.start()
    const applications: Application[] = []
    for (const name of ['one', 'two', 'three']) {
      const client = await world.client(name)
      applications.push({ client, cache: await world.cache<number>(client) })
    }
    const counting = new Counting(world, applications, seed)
    await counting.run()
    const { done } = counting
    const lapses = applications.reduce((sum, { cache }) => sum + cache.statistics().lapses, 0)
    ok(done.added > 100 && done.reads > 200 && done.hits > 50 && done.faults > 10 && lapses > 5, JSON.stringify({ ...done, lapses }))
  })
}
