import type { Cache } from '#index.ts'
import { Failures, Lane, pause } from './lane.ts'
import type { PromisedWork } from './lane.ts'

interface Counted {
  readonly lane: Lane
  readonly key: string
  attempted: number
  acknowledged: number
  /** Of these nobody said whether they were written: each may yet be. */
  readonly doubtful: Set<number>
}

/** One program counts a few keys up, the other reads each: never a value older than what was acknowledged before it asked. */
export class CacheWork implements PromisedWork {
  readonly lanes: readonly Lane[]
  readonly failures = new Failures()
  readonly violations: string[] = []
  readonly #writer: Cache<number>
  readonly #reader: Cache<number>
  readonly #keys: readonly Counted[]
  readonly #tasks: Promise<unknown>
  #running = true

  constructor({ writer, reader }: { readonly writer: Cache<number>; readonly reader: Cache<number> }, keys: readonly string[]) {
    this.#writer = writer
    this.#reader = reader
    this.#keys = keys.map((key) => ({ lane: new Lane(`cache ${key}`), key, attempted: 0, acknowledged: 0, doubtful: new Set() }))
    this.lanes = this.#keys.map(({ lane }) => lane)
    this.#tasks = Promise.all(this.#keys.map((counted) => this.#drive(counted)))
  }

  async judge(): Promise<readonly string[]> {
    for (const counted of this.#keys) {
      for (const cache of [this.#writer, this.#reader]) {
        await this.#read(cache, counted).catch((error: unknown) => this.violations.push(`${counted.lane.name}: ${String(error)}`))
      }
    }
    return this.violations
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false
    await this.#tasks
  }

  async #drive(counted: Counted): Promise<void> {
    while (this.#running) {
      const begunAt = performance.now()
      try {
        await this.#write(counted)
        await this.#read(this.#reader, counted)
        counted.lane.succeeded(begunAt)
        await pause(2)
      } catch (error) {
        this.failures.add(error)
        await pause(50)
      }
    }
  }

  async #write(counted: Counted): Promise<void> {
    const value = ++counted.attempted
    try {
      await this.#writer.set(counted.key, value)
      counted.acknowledged = value
    } catch (error) {
      counted.doubtful.add(value)
      throw error
    }
  }

  async #read(cache: Cache<number>, counted: Counted): Promise<void> {
    const least = counted.acknowledged
    const value = (await cache.get(counted.key)) ?? 0
    const isFresh = value >= least && value <= counted.attempted
    if (!isFresh && !counted.doubtful.has(value)) {
      this.violations.push(`${counted.lane.name}: ${value} was read, ${least} had been acknowledged, ${counted.attempted} is the newest`)
    }
  }
}
