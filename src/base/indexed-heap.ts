import { assert } from './assert.ts'

/** A binary min-heap whose items know their place, so that any of them can be moved or taken out in O(log n). */
export class IndexedHeap<T extends HeapItem> {
  readonly #items: T[] = []
  readonly #before: (left: T, right: T) => boolean

  /** `before` is a total order: what leaves the heap does not depend on the order in which it came. */
  constructor(before: (left: T, right: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  has(item: T): boolean {
    return this.#items[item.slot] === item
  }

  push(item: T): void {
    assert(item.slot === -1, 'an item is in a heap once')
    this.#items.push(item)
    this.#rise(item, this.#items.length - 1)
  }

  /** The item's order has changed. */
  update(item: T): void {
    assert(this.has(item), 'only what is in the heap is moved')
    this.#rise(item, item.slot)
    this.#sink(item, item.slot)
  }

  remove(item: T): void {
    assert(this.has(item), 'only what is in the heap is taken out')
    const items = this.#items
    const hole = item.slot
    const last = items.pop() as T
    item.slot = -1
    if (last === item) return
    items[hole] = last
    this.#rise(last, hole)
    this.#sink(last, last.slot)
  }

  #rise(item: T, from: number): void {
    const items = this.#items
    let slot = from
    while (slot > 0) {
      const parent = items[(slot - 1) >> 1] as T
      if (!this.#before(item, parent)) break
      items[slot] = parent
      parent.slot = slot
      slot = (slot - 1) >> 1
    }
    items[slot] = item
    item.slot = slot
  }

  #sink(item: T, from: number): void {
    const items = this.#items
    let slot = from
    for (;;) {
      let child = slot * 2 + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#before(items[child + 1] as T, items[child] as T)) child++
      if (!this.#before(items[child] as T, item)) break
      items[slot] = items[child] as T
      ;(items[slot] as T).slot = slot
      slot = child
    }
    items[slot] = item
    item.slot = slot
  }
}

export interface HeapItem {
  /** Its place in the heap; -1 while it is in none. */
  slot: number
}
