import type { Lock, Lockstep } from '#index.ts'
import { Failures, Lane, pause } from './lane.ts'
import type { PromisedWork } from './lane.ts'

interface Turn {
  readonly name: string
  readonly holdMs: number
}

/** Long enough for a fault to begin and end with somebody who holds the lock. */
const keptMs = 3_000

/**
 * Takes a few locks in turn from every client, for a moment, and a few more for seconds: no two believe that they hold one at once, and its tokens
 * grow.
 */
export class LockWork implements PromisedWork {
  readonly lanes: readonly Lane[]
  readonly failures = new Failures()
  readonly violations: string[] = []
  readonly #inside = new Map<string, Lock>()
  readonly #tokens = new Map<string, number>()
  readonly #tasks: Promise<unknown>
  #running = true

  constructor(clients: readonly Lockstep[], names: readonly string[]) {
    const lanes = new Map(names.map((name) => [name, new Lane(`lock ${name}`)]))
    this.lanes = [...lanes.values()]
    const drive = (sync: Lockstep): readonly Promise<void>[] => [
      ...[...lanes].map(([name, lane]) => this.#drive(sync, { name, holdMs: 2 }, lane)),
      ...names.map((name) => this.#drive(sync, { name: `kept ${name}`, holdMs: keptMs }, null)),
    ]
    this.#tasks = Promise.all(clients.flatMap(drive))
  }

  /** What is wrong with locks is seen when it happens. */
  judge(): Promise<readonly string[]> {
    return Promise.resolve(this.violations)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false
    await this.#tasks
  }

  async #drive(sync: Lockstep, turn: Turn, lane: Lane | null): Promise<void> {
    while (this.#running) {
      const begunAt = performance.now()
      try {
        await sync.withLock(turn.name, (lock) => this.#hold(turn, lock))
        lane?.succeeded(begunAt)
        await pause(2)
      } catch (error) {
        this.failures.add(error)
        await pause(50)
      }
    }
  }

  async #hold({ name, holdMs }: Turn, lock: Lock): Promise<void> {
    const before = this.#inside.get(name)
    if (before?.isHeld() === true && lock.isHeld())
      this.violations.push(`lock ${name}: ${before.fencingToken} and ${lock.fencingToken} at once`)
    const token = this.#tokens.get(name) ?? 0
    if (lock.fencingToken <= token) this.violations.push(`lock ${name}: token ${lock.fencingToken} after ${token}`)
    this.#tokens.set(name, Math.max(token, lock.fencingToken))
    this.#inside.set(name, lock)
    for (const until = performance.now() + holdMs; performance.now() < until && lock.isHeld() && this.#running;) await pause(2)
    if (this.#inside.get(name) === lock) this.#inside.delete(name)
  }
}
