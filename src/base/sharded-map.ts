import { fold } from './fold.ts'

/**
 * A map for millions of names that come and go. One plain `Map` of that size is not: the engine keeps deleted entries in their chains until
 * it rebuilds the whole table, so a name that is set and deleted over and over makes its own chain as long as the table, and every rebuild
 * stops the world. Many small tables keep both small.
 *
 * The order is the same in every map into which the same entries were set in this map's order.
 */
export class ShardedMap<K extends string, V> {
  readonly #shards: (Map<K, V> | undefined)[] = noShards.slice()
  /** Those that have had an entry, in their order. */
  #begun: readonly Map<K, V>[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: K): V | undefined {
    return this.#shards[shardOf(key)]?.get(key)
  }

  set(key: K, value: V): void {
    const at = shardOf(key)
    const shard = this.#shards[at] ?? this.#begin(at)
    this.#size -= shard.size
    shard.set(key, value)
    this.#size += shard.size
  }

  delete(key: K): void {
    if (this.#shards[shardOf(key)]?.delete(key) === true) this.#size--
  }

  *values(): IterableIterator<V> {
    // Entries come and go, and leave empty tables behind.
    for (const shard of this.#begun) if (shard.size > 0) yield* shard.values()
  }

  #begin(at: number): Map<K, V> {
    const shard = new Map<K, V>()
    this.#shards[at] = shard
    this.#begun = this.#shards.filter((each) => each !== undefined)
    return shard
  }
}

const shards = 1024

const noShards: readonly undefined[] = Array.from({ length: shards })

const shardOf = (key: string): number => fold(key) & (shards - 1)
