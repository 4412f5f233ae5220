import { assert } from '#base/assert.ts'
import type { RecordNumber } from './records.ts'

/** Finds records by a hash of theirs: open addressing with linear probing, at most half full, four bytes a slot. */
export class RecordTable {
  readonly #hashOf: (record: RecordNumber) => number
  /** Record + 1; 0 is empty. */
  #slots = new Int32Array(128)
  #size = 0

  constructor(hashOf: (record: RecordNumber) => number) {
    this.#hashOf = hashOf
  }

  add(record: RecordNumber): void {
    if (2 * (this.#size + 1) > this.#slots.length) this.#grow()
    this.#insert(record)
    this.#size++
  }

  /** Of those with this hash the one that `isIt`; -1 when there is none. */
  find(hash: number, isIt: (record: RecordNumber) => boolean): RecordNumber {
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const record = (this.#slots[slot] as number) - 1
      if (record < 0 || isIt(record)) return record
    }
  }

  remove(record: RecordNumber): void {
    const mask = this.#slots.length - 1
    let hole = this.#hashOf(record) & mask
    while (this.#slots[hole] !== record + 1) {
      assert(this.#slots[hole] !== 0, 'what is removed was added')
      hole = (hole + 1) & mask
    }
    // What follows without a gap moves up, unless it would come before its own place.
    for (let slot = (hole + 1) & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#hashOf((this.#slots[slot] as number) - 1) & mask
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      this.#slots[hole] = this.#slots[slot] as number
      hole = slot
    }
    this.#slots[hole] = 0
    this.#size--
  }

  #insert(record: RecordNumber): void {
    const mask = this.#slots.length - 1
    let slot = this.#hashOf(record) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = record + 1
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Int32Array(2 * old.length)
    for (const slot of old) if (slot !== 0) this.#insert(slot - 1)
  }
}
