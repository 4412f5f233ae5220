import type { SnapshotPlace } from '#ports/redis-slots.ts'

/**
 * The names of all keys, for good; `docs/redis-engine.md` says what they hold. What is in braces decides where a Redis Cluster keeps a key: all of a slot
 * are in one place.
 */
export class Keys {
  readonly #cluster: string

  constructor(cluster: string) {
    this.#cluster = cluster
  }

  /** Where a Redis Cluster keeps what is not of a slot. */
  get tag(): string {
    return this.#cluster
  }
  get cluster(): string {
    return `lockstep:{${this.#cluster}}:cluster`
  }
  get members(): string {
    return `lockstep:{${this.#cluster}}:members`
  }

  tagOf(slot: number): string {
    return `${this.#cluster}:${slot}`
  }
  slot(slot: number): string {
    return `${this.#prefix(slot)}:slot`
  }
  log(slot: number): string {
    return `${this.#prefix(slot)}:log`
  }
  kept(slot: number): string {
    return `${this.#prefix(slot)}:kept`
  }
  snapshot(slot: number, place: SnapshotPlace): string {
    return `${this.#prefix(slot)}:snapshot:${place}`
  }

  #prefix(slot: number): string {
    return `lockstep:{${this.tagOf(slot)}}`
  }
}
