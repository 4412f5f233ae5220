import { assert, present } from '#base/assert.ts'
import type { RecordNumber, Records } from './records.ts'
import { leased, none } from './records.ts'

/** The messages of one ordering key in their order; only the first may be delivered. Exists while it has one, or a dead one bears it. */
export interface KeyQueue {
  readonly name: string
  readonly number: number
  /** Messages that bear it and have no place in it: the dead, and those that move. */
  resting: number
  first: RecordNumber
  last: RecordNumber
}

/** The keys of all partitions of a slot, by number; each partition knows its own by name. */
export class Keys {
  readonly #records: Records
  readonly #byNumber: (KeyQueue | null)[] = []
  readonly #free: number[] = []

  constructor(records: Records) {
    this.#records = records
  }

  /** Of a record that has one; null without. */
  of(record: RecordNumber): KeyQueue | null {
    return this.#byNumber[this.#records.key[record] as number] ?? null
  }

  /** Whether nothing of its key stands before it. */
  isFirst(record: RecordNumber): boolean {
    return this.#records.keyBefore[record] === none
  }

  create(name: string): KeyQueue {
    const number = this.#free.pop() ?? this.#byNumber.length
    const key: KeyQueue = { name, number, resting: 0, first: none, last: none }
    this.#byNumber[number] = key
    return key
  }

  /** It keeps its place in the log, but nothing gets before one in flight. */
  join(key: KeyQueue, record: RecordNumber): void {
    const records = this.#records
    const after = this.#placeFor(key, record)
    const before = after === none ? key.last : (records.keyBefore[after] as number)
    records.key[record] = key.number
    records.keyBefore[record] = before
    records.keyAfter[record] = after
    if (before === none) key.first = record
    else records.keyAfter[before] = record
    if (after === none) key.last = record
    else records.keyBefore[after] = record
  }

  /** It bears the key still. The message that has become the first by that; -1 when none has. */
  leave(record: RecordNumber): RecordNumber {
    const records = this.#records
    const key = present(this.of(record), 'only what has a key leaves it')
    const [before, after] = [records.keyBefore[record] as number, records.keyAfter[record] as number]
    if (before === none) key.first = after
    else records.keyAfter[before] = after
    if (after === none) key.last = before
    else records.keyBefore[after] = before
    records.keyBefore[record] = none
    records.keyAfter[record] = none
    return before === none ? after : none
  }

  forget({ number, first, resting }: KeyQueue): void {
    assert(first === none && resting === 0, 'a key is forgotten when it has no messages')
    this.#byNumber[number] = null
    this.#free.push(number)
  }

  /** Of the first record that stands behind it. One in flight is the first; others are looked for from both ends at once, for most belong near one. */
  #placeFor(key: KeyQueue, record: RecordNumber): RecordNumber {
    const records = this.#records
    if (records.state[record] === leased || key.first === none) return key.first
    let [front, back] = [key.first, key.last]
    if (records.state[front] === leased) front = records.keyAfter[front] as number
    while (front !== none && !records.isBefore(record, front)) {
      if (records.isBefore(back, record)) return records.keyAfter[back] as number
      front = records.keyAfter[front] as number
      back = records.keyBefore[back] as number
    }
    return front
  }
}
