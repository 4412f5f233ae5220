import type { Lock } from '#sdk/lock.ts'
import type { LockProgram } from './lock-program.ts'

/** A lock that a task counts on, from when it was given until it begins to give it back. */
export class Grip {
  readonly lock: Lock
  readonly #process: LockProgram
  readonly #signal: AbortSignal
  #letGo: () => void

  /** `signal` tells of its loss, where it is not its own that is listened to. */
  constructor(process: LockProgram, lock: Lock, signal: AbortSignal = lock.signal) {
    this.lock = lock
    this.#process = process
    this.#signal = signal
    this.#letGo = this.#tell()
  }

  /** It counts on it in the mode and by the token that it has now. */
  tighten(): void {
    const before = this.#letGo
    this.#letGo = this.#tell()
    before()
  }

  /** It does not count on it any more. */
  loosen(): void {
    this.#letGo()
  }

  #tell(): () => void {
    const { name, mode, fencingToken } = this.lock
    return this.#process.held.told({ name, mode, fencingToken, signal: this.#signal, isHeld: () => this.lock.isHeld() })
  }
}
