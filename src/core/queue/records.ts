import { assert } from '#base/assert.ts'
import { RecordTable } from './record-table.ts'

/** What a record is found by in the pool; given out again when the record is freed. */
export type RecordNumber = number

export const none: RecordNumber = -1

/** States of a message of which more is known than its place. The numbers are in snapshots. */
export const scheduled = 0
export const ready = 1
export const leased = 2
export const dead = 3
export const moving = 4
export type RecordState = typeof scheduled | typeof ready | typeof leased | typeof dead | typeof moving

/** Flags; in snapshots as well. */
/** Its deadline is an instant of the wall clock. */
export const byWall = 1
/** Acked from elsewhere, or purged, while leased: it is over with its lease (decision Q7). */
export const settledFlag = 2
/** Dead because it was rejected. */
export const rejectedFlag = 4
/** Moves to where it came from, not to the dead letters. */
export const toSource = 8

/**
 * Messages of which more is known than their place, side by side in typed arrays: 62 bytes each, and 8 to find them by. A message that is
 * merely ready has no record (`Ledger`).
 *
 * Columns mean something only in some states; `place` is where a record is in the queue of what is deliverable, or among the dead, and
 * `timed` where it is among the deadlines: -1 for nowhere.
 */
export class Records {
  #capacity = 64
  /** The log index in two parts: it has 48 bits. */
  #indexLow = new Uint32Array(this.#capacity)
  #indexHigh = new Uint16Array(this.#capacity)
  offset = new Uint16Array(this.#capacity)
  state = new Uint8Array(this.#capacity)
  flags = new Uint8Array(this.#capacity)
  priority = new Uint8Array(this.#capacity)
  /** Number of its partition. */
  partition = new Uint16Array(this.#capacity)
  /** When its state ends by itself: due, leased until, expires, is tried again. */
  deadline = new Float64Array(this.#capacity)
  /** By machine time; infinite without a ttl. */
  expires = new Float64Array(this.#capacity)
  /** The number of its last lease; 0 before the first. */
  lease = new Uint32Array(this.#capacity)
  failed = new Uint16Array(this.#capacity)
  /** Number of its ordering key; -1 without one. */
  key = new Int32Array(this.#capacity)
  keyBefore = new Int32Array(this.#capacity)
  keyAfter = new Int32Array(this.#capacity)
  /** Number of the consumer that has it leased. */
  consumer = new Uint16Array(this.#capacity)
  consumerBefore = new Int32Array(this.#capacity)
  consumerAfter = new Int32Array(this.#capacity)
  timed = new Int32Array(this.#capacity)
  place = new Int32Array(this.#capacity)
  /** Records ever used; those that are free are linked by `keyAfter`. */
  #used = 0
  #free: RecordNumber = none
  size = 0
  readonly #table = new RecordTable((record) => this.#hash(record))

  indexOf(record: RecordNumber): number {
    return (this.#indexHigh[record] as number) * word + (this.#indexLow[record] as number)
  }

  /** A new one: due to nothing, in no list. */
  add({ index, offset, partition }: { readonly index: number; readonly offset: number; readonly partition: number }): RecordNumber {
    const record = this.#take()
    this.#indexLow[record] = index % word
    this.#indexHigh[record] = Math.floor(index / word)
    this.offset[record] = offset
    this.partition[record] = partition
    this.state[record] = ready
    this.flags[record] = 0
    this.priority[record] = 0
    this.deadline[record] = 0
    this.expires[record] = Infinity
    this.lease[record] = 0
    this.failed[record] = 0
    for (const link of [this.key, this.keyBefore, this.keyAfter, this.consumerBefore, this.consumerAfter, this.timed, this.place]) {
      link[record] = none
    }
    this.size++
    this.#table.add(record)
    return record
  }

  find(index: number, offset: number): RecordNumber {
    return this.#table.find(hashOf(index % word, offset), (record) => this.offset[record] === offset && this.indexOf(record) === index)
  }

  remove(record: RecordNumber): void {
    assert(
      this.timed[record] === none && this.place[record] === none && this.key[record] === none,
      'a record is freed when nothing refers to it',
    )
    this.#table.remove(record)
    this.state[record] = freed
    this.keyAfter[record] = this.#free
    this.#free = record
    this.size--
  }

  /** In the order of the log. */
  isBefore(left: RecordNumber, right: RecordNumber): boolean {
    const [first, second] = [this.indexOf(left), this.indexOf(right)]
    return first === second ? (this.offset[left] as number) < (this.offset[right] as number) : first < second
  }

  isFlagged(record: RecordNumber, flag: number): boolean {
    return ((this.flags[record] as number) & flag) !== 0
  }

  setFlag(record: RecordNumber, flag: number, on: boolean): void {
    const flags = this.flags[record] as number
    this.flags[record] = on ? flags | flag : flags & ~flag
  }

  /** In no order that means anything. */
  *all(): IterableIterator<RecordNumber> {
    for (let record = 0; record < this.#used; record++) if (this.state[record] !== freed) yield record
  }

  #hash(record: RecordNumber): number {
    return hashOf(this.#indexLow[record] as number, this.offset[record] as number)
  }

  #take(): RecordNumber {
    const record = this.#free
    if (record !== none) {
      this.#free = this.keyAfter[record] as number
      return record
    }
    if (this.#used === this.#capacity) this.#grow()
    return this.#used++
  }

  #grow(): void {
    this.#capacity *= 2
    const size = this.#capacity
    this.#indexLow = larger(this.#indexLow, new Uint32Array(size))
    this.#indexHigh = larger(this.#indexHigh, new Uint16Array(size))
    this.offset = larger(this.offset, new Uint16Array(size))
    this.state = larger(this.state, new Uint8Array(size))
    this.flags = larger(this.flags, new Uint8Array(size))
    this.priority = larger(this.priority, new Uint8Array(size))
    this.partition = larger(this.partition, new Uint16Array(size))
    this.deadline = larger(this.deadline, new Float64Array(size))
    this.expires = larger(this.expires, new Float64Array(size))
    this.lease = larger(this.lease, new Uint32Array(size))
    this.failed = larger(this.failed, new Uint16Array(size))
    this.key = larger(this.key, new Int32Array(size))
    this.keyBefore = larger(this.keyBefore, new Int32Array(size))
    this.keyAfter = larger(this.keyAfter, new Int32Array(size))
    this.consumer = larger(this.consumer, new Uint16Array(size))
    this.consumerBefore = larger(this.consumerBefore, new Int32Array(size))
    this.consumerAfter = larger(this.consumerAfter, new Int32Array(size))
    this.timed = larger(this.timed, new Int32Array(size))
    this.place = larger(this.place, new Int32Array(size))
  }
}

const word = 0x1_0000_0000
const freed = 255

type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array

function larger<T extends Column>(from: T, to: T): T {
  to.set(from)
  return to
}

function hashOf(indexLow: number, offset: number): number {
  const mixed = Math.imul(indexLow ^ (offset << 20), 0x9e37_79b1) ^ offset
  return (mixed ^ (mixed >>> 15)) >>> 0
}
