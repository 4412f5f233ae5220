import type { Key } from '#core/cache/types.ts'

type Wake = () => void

/** Who is to look again when a key may have changed. */
export class Watches {
  readonly #watch: (key: Key, on: boolean) => void
  readonly #byKey = new Map<Key, Set<Wake>>()
  #closed = false

  constructor(watch: (key: Key, on: boolean) => void) {
    this.#watch = watch
  }

  get isClosed(): boolean {
    return this.#closed
  }

  add(key: Key, wake: Wake): () => void {
    const wakes = this.#byKey.get(key) ?? new Set<Wake>()
    if (wakes.size === 0) {
      this.#byKey.set(key, wakes)
      this.#watch(key, true)
    }
    wakes.add(wake)
    return () => {
      wakes.delete(wake)
      if (wakes.size > 0 || this.#byKey.get(key) !== wakes) return
      this.#byKey.delete(key)
      this.#watch(key, false)
    }
  }

  /** Its line went, or was written here. */
  changed(key: Key): void {
    if (this.#byKey.size === 0) return
    for (const wake of this.#byKey.get(key) ?? []) wake()
  }

  close(): void {
    this.#closed = true
    for (const wakes of this.#byKey.values()) for (const wake of wakes) wake()
  }
}
