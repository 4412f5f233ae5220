import { present } from '#base/assert.ts'
import type { Found, Seat } from '#sim/cache/litmus/seat.ts'
import type { CacheProgram } from './cache-program.ts'
import { setValue } from './changing.ts'
import type { OpenCache, Use } from './open-cache.ts'
import { get, getSync } from './reading.ts'

/** A handle in a program as a thread of a litmus test uses it, among all else that the program does. */
export class HandleSeat implements Seat {
  readonly #program: CacheProgram
  readonly #open: OpenCache
  readonly #threads = new Set<Promise<unknown>>()

  constructor(program: CacheProgram, open: OpenCache) {
    this.#program = program
    this.#open = open
  }

  /** Until the program begins nothing new; resolves when all threads have ended. */
  async offer(): Promise<void> {
    const { seats } = this.#program.ports.applications
    seats.add(this)
    void this.#program.dead.then(() => seats.delete(this))
    while (!this.#program.isOver) await this.#program.think(200)
    seats.delete(this)
    await Promise.all(this.#threads)
  }

  sleep(ms: number): Promise<void> {
    return this.#program.sleep(ms)
  }

  async read(key: string): Promise<Found | null> {
    const use = this.#useOf(key)
    return getSync(this.#program, this.#open, use) ?? (await get(this.#program, this.#open, use))
  }

  write(key: string, value: number): Promise<boolean> {
    return setValue(this.#program, this.#open, this.#useOf(key), { value, options: { ack: 'replicated' } })
  }

  carryOut<T>(thread: () => Promise<T | null>): Promise<T | null> {
    const { dead, isAlive, isOver, ports } = this.#program
    if (!isAlive || isOver) return Promise.resolve(null)
    ports.did('library-litmus-thread')
    // In a turn of its own process.
    const carried = this.#program.sleep(0).then(thread)
    const over = Promise.race([carried, dead.then(() => null)])
    this.#threads.add(carried)
    const forget = (): void => void this.#threads.delete(carried)
    carried.then(forget, forget)
    return over
  }

  #useOf(key: string): Use {
    return { key, name: key, handle: present(this.#open.handles[0], 'one handle sees all keys without a namespace') }
  }
}
