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

/** Written once before a fault and read only after it. */
interface Kept {
  readonly key: string
  readonly version: string
}

const keptEach = 50

/**
 * One program counts a few keys up, the other reads each: never a value older than what was acknowledged before it asked. What a fault did to those is written over
 * at once, so there are others that nobody touches between two judgements: each is as it was acknowledged before the fault.
 */
export class CacheWork implements PromisedWork {
  readonly lanes: readonly Lane[]
  readonly failures = new Failures()
  readonly violations: string[] = []
  readonly #writer: Cache<number>
  readonly #reader: Cache<number>
  readonly #keys: readonly Counted[]
  readonly #tasks: Promise<unknown>
  #kept: readonly Kept[] = []
  #judgements = 0
  #running = true

  /** Resolves once there is something that a fault could take. */
  static async start(
    caches: { readonly writer: Cache<number>; readonly reader: Cache<number> },
    keys: readonly string[],
  ): Promise<CacheWork> {
    const work = new CacheWork(caches, keys)
    await work.#keep()
    return work
  }

  private constructor({ writer, reader }: { readonly writer: Cache<number>; readonly reader: Cache<number> }, keys: readonly string[]) {
    this.#writer = writer
    this.#reader = reader
    this.#keys = keys.map((key) => ({ lane: new Lane(`cache ${key}`), key, attempted: 0, acknowledged: 0, doubtful: new Set() }))
    this.lanes = this.#keys.map(({ lane }) => lane)
    this.#tasks = Promise.all(this.#keys.map((counted) => this.#drive(counted)))
  }

  async judge(): Promise<readonly string[]> {
    // Who has never had it asks for what memory has.
    for (const kept of this.#kept)
      for (const cache of [this.#reader, this.#writer])
        await this.#find(cache, kept).catch((error: unknown) => this.violations.push(`cache ${kept.key}: ${String(error)}`))
    await this.#keep()
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

  async #keep(): Promise<void> {
    const judgement = ++this.#judgements
    const keys = Array.from({ length: keptEach }, (_, at) => `kept ${judgement} ${at}`)
    const written = await Promise.allSettled(keys.map(async (key) => ({ key, version: (await this.#writer.set(key, judgement)).version })))
    this.#kept = written.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    if (this.#kept.length === 0) this.violations.push('cache: nothing that is kept was acknowledged')
  }

  async #find(cache: Cache<number>, { key, version }: Kept): Promise<void> {
    const found = await cache.read(key)
    if (found.value !== this.#judgements || found.version !== version)
      this.violations.push(
        `cache ${key}: ${found.value} in ${found.version} was read, ${this.#judgements} in ${version} had been acknowledged`,
      )
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
