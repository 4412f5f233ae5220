import { promiseHooks } from 'node:v8'

/**
 * Lets what is written with promises run on, between two events of virtual time: until nothing is left to be done, always in the same order.
 * Knows of all promises that are settled, so that the many events that settle none cost nothing.
 */
export class Promises {
  #settled = true
  readonly #unhook: () => void

  constructor() {
    this.#unhook = promiseHooks.onSettled(() => {
      this.#settled = true
    }) as () => void
  }

  /** Some promise was settled since `allTold`, so somebody may have to be told. */
  get arePending(): boolean {
    return this.#settled
  }

  /** Immediate calls come after all that promises make of each other. To be followed by `allTold`, as this promise is settled too. */
  run(): Promise<void> {
    return new Promise(setImmediate)
  }

  allTold(): void {
    this.#settled = false
  }

  stop(): void {
    this.#unhook()
  }
}
