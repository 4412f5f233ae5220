import { assert } from './assert.ts'

/** A double-ended queue on a ring buffer: push and shift in constant time, no holes, no aliasing of what was removed. */
export class Deque<T> {
  #slots: (T | undefined)[] = Array.from({ length: 16 })
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item
    this.#length++
  }

  unshift(item: T): void {
    if (this.#length === this.#slots.length) this.#grow()
    this.#head = (this.#head - 1) & (this.#slots.length - 1)
    this.#slots[this.#head] = item
    this.#length++
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#length--
    return item
  }

  pop(): T | undefined {
    if (this.#length === 0) return undefined
    this.#length--
    const position = (this.#head + this.#length) & (this.#slots.length - 1)
    const item = this.#slots[position]
    this.#slots[position] = undefined
    return item
  }

  at(position: number): T | undefined {
    if (position < 0 || position >= this.#length) return undefined
    return this.#slots[(this.#head + position) & (this.#slots.length - 1)]
  }

  clear(): void {
    this.#slots = Array.from({ length: 16 })
    this.#head = 0
    this.#length = 0
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let position = 0; position < this.#length; position++) yield this.at(position) as T
  }

  #grow(): void {
    const larger: (T | undefined)[] = Array.from({ length: this.#slots.length * 2 })
    for (let position = 0; position < this.#length; position++) larger[position] = this.at(position)
    this.#slots = larger
    this.#head = 0
    assert((larger.length & (larger.length - 1)) === 0, 'a ring buffer has a power of two of slots')
  }
}
