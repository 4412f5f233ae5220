/**
 * A map of about so many entries. When there are more, those go that were read or set longest ago; one that may not go yet stays, so that there can be more of
 * them for a while.
 */
export class RecentMap<K, V> {
  readonly #max: number
  readonly #mayGo: (value: V) => boolean
  /** The one that was used last is the last. */
  readonly #entries = new Map<K, V>()

  constructor(max: number, mayGo: (value: V) => boolean = () => true) {
    this.#max = max
    this.#mayGo = mayGo
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: K, value: V): void {
    this.#entries.delete(key)
    let excess = this.#entries.size + 1 - this.#max
    for (const [oldest, old] of this.#entries) {
      if (excess <= 0) break
      if (!this.#mayGo(old)) continue
      this.#entries.delete(oldest)
      excess--
    }
    this.#entries.set(key, value)
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }

  /** The one that was used longest ago comes first. */
  values(): readonly V[] {
    return [...this.#entries.values()]
  }
}
