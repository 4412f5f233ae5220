/**
 * Named integers with read, write, add and compare-and-set: the smallest state machine worth replicating. The simulator checks its
 * histories and the benches measure replication with it, so that neither depends on what locks, queues or the cache do.
 */
export type RegisterCommand =
  | { readonly type: 'read'; readonly key: string }
  | { readonly type: 'write'; readonly key: string; readonly value: number }
  | { readonly type: 'add'; readonly key: string; readonly by: number }
  | { readonly type: 'compare-and-set'; readonly key: string; readonly expected: number | null; readonly value: number }

export interface RegisterAnswer {
  /** The value afterwards; null for a register that was never written. */
  readonly value: number | null
  /** False when a compare-and-set found another value. */
  readonly done: boolean
}

export class Registers {
  readonly #values = new Map<string, number>()

  get size(): number {
    return this.#values.size
  }

  apply(command: RegisterCommand): RegisterAnswer {
    const value = this.read(command.key)
    switch (command.type) {
      case 'read':
        return { value, done: true }
      case 'write':
        return this.#set(command.key, command.value)
      case 'add':
        return this.#set(command.key, (value ?? 0) + command.by)
      case 'compare-and-set':
        return value === command.expected ? this.#set(command.key, command.value) : { value, done: false }
    }
  }

  read(key: string): number | null {
    return this.#values.get(key) ?? null
  }

  /** In order of first writing, which is the same on every replica. */
  entries(): IterableIterator<[string, number]> {
    return this.#values.entries()
  }

  restore(entries: Iterable<readonly [string, number]>): void {
    this.#values.clear()
    for (const [key, value] of entries) this.#values.set(key, value)
  }

  #set(key: string, value: number): RegisterAnswer {
    this.#values.set(key, value)
    return { value, done: true }
  }
}
