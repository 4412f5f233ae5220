import { assert } from '#base/assert.ts'
import type { RecordNumber, Records } from './records.ts'
import { none } from './records.ts'

/** What orders a heap: their places in the log, or their deadlines and then that. */
export type HeapOrder = 'place' | 'deadline'

/** A binary min-heap of records that know their place in it, so that any can be taken out in O(log n). */
export class RecordHeap {
  readonly #records: Records
  readonly #byDeadline: boolean
  readonly #items: RecordNumber[] = []

  constructor(records: Records, order: HeapOrder) {
    this.#records = records
    this.#byDeadline = order === 'deadline'
  }

  get size(): number {
    return this.#items.length
  }

  peek(): RecordNumber {
    return this.#items[0] ?? none
  }

  push(record: RecordNumber): void {
    assert(this.#slots[record] === none, 'a record is in a heap once')
    this.#items.push(record)
    this.#rise(record, this.#items.length - 1)
  }

  remove(record: RecordNumber): void {
    const items = this.#items
    const hole = this.#slots[record] as number
    assert(items[hole] === record, 'only what is in the heap is taken out')
    const last = items.pop() as RecordNumber
    this.#slots[record] = none
    if (last === record) return
    this.#rise(last, hole)
    this.#sink(last, this.#slots[last] as number)
  }

  /** In order, without changing anything: takes O(log n) for each. */
  *inOrder(): IterableIterator<RecordNumber> {
    const open = this.#items.length === 0 ? [] : [0]
    while (open.length > 0) {
      let first = 0
      for (let at = 1; at < open.length; at++) if (this.#isBefore(this.#at(open[at]), this.#at(open[first]))) first = at
      const slot = open[first] as number
      open[first] = open.at(-1) as number
      open.pop()
      yield this.#at(slot)
      for (const child of [2 * slot + 1, 2 * slot + 2]) if (child < this.#items.length) open.push(child)
    }
  }

  get #slots(): Int32Array {
    return this.#byDeadline ? this.#records.timed : this.#records.place
  }

  #at(slot: number | undefined): RecordNumber {
    return this.#items[slot ?? 0] as RecordNumber
  }

  #isBefore(left: RecordNumber, right: RecordNumber): boolean {
    if (!this.#byDeadline) return this.#records.isBefore(left, right)
    const { deadline } = this.#records
    const [first, second] = [deadline[left] as number, deadline[right] as number]
    return first === second ? this.#records.isBefore(left, right) : first < second
  }

  #rise(record: RecordNumber, from: number): void {
    const items = this.#items
    const slots = this.#slots
    let slot = from
    while (slot > 0) {
      const parent = items[(slot - 1) >> 1] as RecordNumber
      if (!this.#isBefore(record, parent)) break
      items[slot] = parent
      slots[parent] = slot
      slot = (slot - 1) >> 1
    }
    items[slot] = record
    slots[record] = slot
  }

  #sink(record: RecordNumber, from: number): void {
    const items = this.#items
    const slots = this.#slots
    let slot = from
    for (;;) {
      let child = slot * 2 + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#isBefore(this.#at(child + 1), this.#at(child))) child++
      if (!this.#isBefore(this.#at(child), record)) break
      items[slot] = this.#at(child)
      slots[this.#at(child)] = slot
      slot = child
    }
    items[slot] = record
    slots[record] = slot
  }
}
