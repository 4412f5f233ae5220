import { deferred } from '#base/deferred.ts'
import { cacheLimits } from '#core/cache/limits.ts'
import type { Key } from '#core/cache/types.ts'
import type { Clock } from '#ports/clock.ts'

/** Under way. */
export interface Load {
  readonly value: Promise<unknown>
  /** Resolves when it has ended, with a value or not, or is not waited for any more. */
  readonly over: Promise<void>
}

/** What is being loaded in this process, so that a key is loaded once at a time. One that takes longer than its token lasts is forgotten. */
export class Loading {
  readonly #clock: Clock
  readonly #byKey = new Map<Key, Load>()
  readonly #ends = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of(key: Key): Load | undefined {
    return this.#byKey.get(key)
  }

  /** Nothing else may be under way for the key. */
  begin(key: Key, value: Promise<unknown>): Load {
    const { promise: over, resolve } = deferred<void>()
    const load = { value, over }
    const end = (): void => {
      if (!this.#ends.delete(end)) return
      cancel()
      this.#byKey.delete(key)
      resolve()
    }
    const cancel = this.#clock.after(cacheLimits.fillMs, end)
    this.#byKey.set(key, load)
    this.#ends.add(end)
    value.then(end, end)
    return load
  }

  /** Forgets all. */
  close(): void {
    for (const end of this.#ends) end()
  }
}
