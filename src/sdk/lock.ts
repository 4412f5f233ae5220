import type { LockMode } from '#core/lock/types.ts'
import type { Hold, LossReason } from './hold.ts'
import type { AcquireOptions } from './options.ts'

/** What a lock asks its owner to do. */
export interface LockKeeper {
  release(hold: Hold): Promise<void>
  upgrade(hold: Hold, options: AcquireOptions): Promise<boolean>
  downgrade(hold: Hold): Promise<void>
}

/**
 * A lock that was granted. Send `fencingToken` along with whatever you do under it, and stop when `signal` aborts: that happens before the
 * service can have granted it to another.
 */
export class Lock implements AsyncDisposable {
  readonly #hold: Hold
  readonly #keeper: LockKeeper
  #released: Promise<void> | null = null

  constructor(hold: Hold, keeper: LockKeeper) {
    this.#hold = hold
    this.#keeper = keeper
    hold.count++
  }

  get name(): string {
    return this.#hold.name
  }
  get mode(): LockMode {
    return this.#hold.mode
  }
  /** Larger than that of every grant before it. An upgrade has a new one. */
  get fencingToken(): number {
    return this.#hold.token
  }
  /** Aborts when the lock is lost, or ought to be given up, with a `LockstepError` that says why. */
  get signal(): AbortSignal {
    void this.#hold.isHeld
    return this.#hold.signal
  }
  /** Why it is held no more, though it was not released; null otherwise. */
  get lost(): LossReason | null {
    return this.#hold.lost
  }

  /** Looks at the clock: false at once in a process that wakes after its lease. */
  isHeld(): boolean {
    return this.#released === null && this.#hold.isHeld
  }

  /** Resolves when the service has taken it back, or when there is nothing to give back any more. */
  release(): Promise<void> {
    this.#released ??= this.#keeper.release(this.#hold)
    return this.#released
  }

  /** From shared to exclusive, ahead of the queue. False, and still shared, when it was not available at once and that was asked. */
  upgrade(options: AcquireOptions = {}): Promise<boolean> {
    return this.#keeper.upgrade(this.#hold, options)
  }

  /** From exclusive to shared: readers that wait get in. */
  downgrade(): Promise<void> {
    return this.#keeper.downgrade(this.#hold)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }
}

/** Several locks that were granted together. */
export class LockSet implements AsyncDisposable {
  readonly locks: readonly Lock[]
  readonly #signal: AbortSignal

  constructor(locks: readonly Lock[]) {
    this.locks = locks
    this.#signal = AbortSignal.any(locks.map((lock) => lock.signal))
  }

  /** Aborts when any of them was lost, before anybody else can hold it. Looks at the clock. */
  get signal(): AbortSignal {
    void this.isHeld()
    return this.#signal
  }

  get(name: string): Lock | undefined {
    return this.locks.find((lock) => lock.name === name)
  }

  isHeld(): boolean {
    return this.locks.every((lock) => lock.isHeld())
  }

  async release(): Promise<void> {
    await Promise.all(this.locks.map((lock) => lock.release()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }
}
