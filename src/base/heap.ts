/** A binary min-heap; items that compare equal leave in no particular order, so give them a tie-breaker. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #before: (left: T, right: T) => boolean

  constructor(before: (left: T, right: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let position = items.length
    items.push(item)
    while (position > 0) {
      const parent = (position - 1) >> 1
      if (!this.#before(item, items[parent] as T)) break
      items[position] = items[parent] as T
      position = parent
    }
    items[position] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (items.length > 0) this.#sink(last as T)
    return top
  }

  /** Another one with the same items. */
  copy(): Heap<T> {
    const copied = new Heap<T>(this.#before)
    copied.#items.push(...this.#items)
    return copied
  }

  #sink(item: T): void {
    const items = this.#items
    let position = 0
    for (;;) {
      let child = position * 2 + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#before(items[child + 1] as T, items[child] as T)) child++
      if (!this.#before(items[child] as T, item)) break
      items[position] = items[child] as T
      position = child
    }
    items[position] = item
  }
}
