import type { Lock, LockSet } from './lock.ts'
import type { AcquireOptions, LockItem, LockOptions } from './options.ts'
import { checkFunction } from './options.ts'
import type { OwnerCore } from './owner.ts'
import type { TaskContext } from './ports.ts'

type IfAvailable<Options> = Options & { readonly ifAvailable: true }
type OrWait<Options> = Options & { readonly ifAvailable?: false }

/** Asking for locks. Whatever is refused rejects with a `LockstepError`, such as `deadlock`, `lock_timeout` or `aborted`; then nothing is held. */
export interface Locking {
  /**
   * One lock, when it is granted.
   *
   *     await using lock = await sync.lock('db_table', { waitMs: 10_000 })
   */
  readonly lock: {
    (name: string, options: IfAvailable<LockOptions>): Promise<Lock | null>
    (name: string, options?: OrWait<LockOptions>): Promise<Lock>
  }
  /** Several locks, granted together or not at all. */
  readonly acquireMany: {
    (items: readonly LockItem[], options: IfAvailable<AcquireOptions>): Promise<LockSet | null>
    (items: readonly LockItem[], options?: OrWait<AcquireOptions>): Promise<LockSet>
  }
  /**
   * Calls `run` under the lock, and releases it after. What `run` asks of the same client belongs to the same owner: locks are re-entrant there, and
   * deadlocks across them are found. When the lock is lost meanwhile, `lock.signal` aborts; `run` is waited for all the same, and its
   * result is that of the call.
   */
  readonly withLock: {
    <T>(name: string, run: (lock: Lock) => T | Promise<T>): Promise<T>
    <T>(name: string, options: IfAvailable<LockOptions>, run: (lock: Lock | null) => T | Promise<T>): Promise<T>
    <T>(name: string, options: OrWait<LockOptions>, run: (lock: Lock) => T | Promise<T>): Promise<T>
  }
}

/** Whose locks those are that are asked for in a task, while it is active. */
export interface Scope {
  readonly owner: OwnerCore
  active: boolean
}

type Run<T> = (lock: Lock | null) => T | Promise<T>

/** `act` chooses the owner. */
export function lockingOf(context: TaskContext<Scope>, act: <T>(act: (owner: OwnerCore) => Promise<T>) => Promise<T>): Locking {
  const withLock = <T>(name: string, options: LockOptions, run: Run<T>): Promise<T> =>
    act(async (owner) => {
      checkFunction('run', run)
      const lock = await owner.lock(name, options)
      const scope: Scope = { owner, active: true }
      try {
        return await context.run(scope, () => run(lock))
      } finally {
        scope.active = false
        // One that takes too long goes on by itself, and is no reason to lose what `run` came to.
        await lock?.release().catch(() => {})
      }
    })
  const locking = {
    lock: (name: string, options: LockOptions = {}) => act((owner) => owner.lock(name, options)),
    acquireMany: (items: readonly LockItem[], options: AcquireOptions = {}) => act((owner) => owner.acquireMany(items, options)),
    withLock: <T>(name: string, first: LockOptions | Run<T>, second?: Run<T>) =>
      typeof first === 'function' ? withLock(name, {}, first) : withLock(name, first ?? {}, second as Run<T>),
  }
  // Only `ifAvailable` brings null about: that is what the overloads say.
  return locking as Locking
}
