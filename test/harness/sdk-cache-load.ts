import type { Cache } from '#index.ts'

const counters = ['a', 'b', 'c', 'd'] as const
/** Of each kind of task, with each cache. */
const tasksEach = 3

/** Tasks that read and change a few keys through the library, in several agents; what went wrong is kept. */
export class SdkCacheLoad implements AsyncDisposable {
  readonly failures: string[] = []
  done = 0
  #running = true
  readonly #caches: readonly Cache<number>[]
  readonly #added = new Map<string, number>()
  readonly #tasks: Promise<unknown>

  constructor(caches: readonly Cache<number>[]) {
    this.#caches = caches
    const tasks = caches.flatMap((cache, agent) =>
      Array.from({ length: tasksEach }, (_, at) => [
        this.#repeat((turn) => this.#count(cache, counters[(turn + at) % counters.length] as string)),
        this.#repeat((turn) => this.#keep(cache, `own-${agent}-${at}`, turn)),
      ]).flat(),
    )
    this.#tasks = Promise.all(tasks)
  }

  async stop(): Promise<void> {
    this.#running = false
    await this.#tasks
  }

  /** Every addition was carried out once, and every agent knows. */
  async judge(): Promise<void> {
    for (const cache of this.#caches)
      for (const name of counters) {
        const value = await cache.get(name)
        const added = this.#added.get(name) ?? 0
        if (value !== added) this.failures.push(`${name} is ${value} after ${added} additions`)
      }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #count(cache: Cache<number>, name: string): Promise<void> {
    const from = this.#added.get(name) ?? 0
    const value = await cache.increment(name)
    const added = (this.#added.get(name) ?? 0) + 1
    this.#added.set(name, added)
    if (value <= from) this.failures.push(`${name} is ${value} after ${from} additions`)
  }

  /** A key that nobody else writes. */
  async #keep(cache: Cache<number>, key: string, turn: number): Promise<void> {
    await cache.set(key, turn)
    for (const reader of this.#caches) {
      const value = await reader.get(key)
      if (value !== turn) this.failures.push(`${key} is ${value} after ${turn} was written`)
    }
  }

  async #repeat(task: (turn: number) => Promise<void>): Promise<void> {
    let turn = 0
    while (this.#running) {
      try {
        await task(++turn)
        this.done++
        await new Promise(setImmediate)
      } catch (error) {
        this.failures.push(String(error))
      }
    }
  }
}
