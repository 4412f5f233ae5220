import type { Locking, Scope } from './locking.ts'
import { lockingOf } from './locking.ts'
import type { OwnerCore } from './owner.ts'
import type { TaskContext } from './ports.ts'

/**
 * One thread of control that holds several locks: they are re-entrant, and when it waits for another owner that waits for it, one of them is
 * refused with `deadlock`.
 */
export class Owner implements Locking, AsyncDisposable {
  readonly lock: Locking['lock']
  readonly acquireMany: Locking['acquireMany']
  readonly withLock: Locking['withLock']
  readonly #core: OwnerCore
  readonly #closed: (core: OwnerCore) => void

  constructor(core: OwnerCore, context: TaskContext<Scope>, closed: (core: OwnerCore) => void) {
    this.#core = core
    this.#closed = closed
    const { lock, acquireMany, withLock } = lockingOf(context, (act) => act(core))
    this.lock = lock
    this.acquireMany = acquireMany
    this.withLock = withLock
  }

  /** Releases all it holds, and gives up what it waits for. */
  async close(): Promise<void> {
    await this.#core.close()
    this.#closed(this.#core)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
