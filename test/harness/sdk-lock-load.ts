import type { Lockstep } from '#index.ts'

/** Tasks that take a few locks in turn through the library; what went wrong is kept. */
export class SdkLockLoad implements AsyncDisposable {
  readonly failures: string[] = []
  taken = 0
  #running = true
  readonly #inside = new Map<string, number>()
  readonly #tokens = new Map<string, number>()
  readonly #tasks: Promise<unknown>

  constructor(clients: readonly Lockstep[]) {
    this.#tasks = Promise.all(clients.flatMap((sync) => Array.from({ length: 8 }, (_, at) => this.#drive(sync, `busy-${at % 3}`))))
  }

  async stop(): Promise<void> {
    this.#running = false
    await this.#tasks
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #drive(sync: Lockstep, name: string): Promise<void> {
    while (this.#running) {
      try {
        await sync.withLock(name, async (lock) => {
          const inside = (this.#inside.get(name) ?? 0) + 1
          this.#inside.set(name, inside)
          if (inside > 1) this.failures.push(`${inside} have ${name}`)
          if (lock.fencingToken <= (this.#tokens.get(name) ?? 0)) this.failures.push(`token ${lock.fencingToken} of ${name} does not grow`)
          this.#tokens.set(name, lock.fencingToken)
          await new Promise(setImmediate)
          this.taken++
          this.#inside.set(name, inside - 1)
        })
      } catch (error) {
        this.failures.push(String(error))
      }
    }
  }
}
