import { assert } from '#base/assert.ts'

/** What a partition knows of one batch: of one command in a log entry that brought it messages. */
export interface BatchRow {
  readonly index: number
  /** The offset of its first message in the entry, and how many there were. */
  readonly start: number
  readonly size: number
  readonly check: number
  /** The leader's clock, in whole milliseconds. */
  readonly wall: number
  /** Of its bodies, in units of `sizeUnit`, rounded up. */
  readonly largest: number
  /** Messages that are not settled. */
  readonly unsettled: number
  /** The first of those that nothing is known of but their place, and how many there are, without a gap. */
  readonly from: number
  readonly count: number
}

export const sizeUnit = 32
/** Rows of a full segment. */
export const segmentRows = 2_048
const firstRows = 16
const word = 0x1_0000_0000
const deltaMax = 0x7fff_ffff

/** Rows side by side in typed arrays, 26 bytes each: indexes and clocks are kept as differences from the first row's. */
export class LedgerSegment {
  readonly base: number
  readonly #wall: number
  length = 0
  /** Rows with unsettled messages. */
  alive = 0
  #delta = new Uint32Array(firstRows)
  #start = new Uint16Array(firstRows)
  #size = new Uint16Array(firstRows)
  #checkLow = new Uint32Array(firstRows)
  #checkHigh = new Uint16Array(firstRows)
  #wallDelta = new Int32Array(firstRows)
  #largest = new Uint16Array(firstRows)
  unsettled = new Uint16Array(firstRows)
  from = new Uint16Array(firstRows)
  count = new Uint16Array(firstRows)

  constructor(index: number, wall: number) {
    this.base = index
    this.#wall = wall
  }

  takes(index: number, wall: number): boolean {
    return this.length < segmentRows && index - this.base < word && Math.abs(wall - this.#wall) <= deltaMax
  }

  /** Ascending by index. */
  append({ index, start, size, check, wall, largest, unsettled, from, count }: BatchRow): void {
    assert(this.takes(index, wall), 'a row fits its segment')
    const at = this.length
    if (at === this.#delta.length) this.#resize(Math.min(2 * at, segmentRows))
    this.#delta[at] = index - this.base
    this.#start[at] = start
    this.#size[at] = size
    this.#checkLow[at] = check % word
    this.#checkHigh[at] = Math.floor(check / word)
    this.#wallDelta[at] = wall - this.#wall
    this.#largest[at] = largest
    this.unsettled[at] = unsettled
    this.from[at] = from
    this.count[at] = count
    this.length++
    this.alive++
  }

  indexAt(at: number): number {
    return this.base + (this.#delta[at] as number)
  }
  checkAt(at: number): number {
    return (this.#checkHigh[at] as number) * word + (this.#checkLow[at] as number)
  }
  wallAt(at: number): number {
    return this.#wall + (this.#wallDelta[at] as number)
  }
  largestAt(at: number): number {
    return this.#largest[at] as number
  }

  rowAt(at: number): BatchRow {
    return {
      index: this.indexAt(at),
      start: this.#start[at] as number,
      size: this.#size[at] as number,
      check: this.checkAt(at),
      wall: this.wallAt(at),
      largest: this.largestAt(at),
      unsettled: this.unsettled[at] as number,
      from: this.from[at] as number,
      count: this.count[at] as number,
    }
  }

  /** Of the first row that begins after this message. */
  searchAfter(index: number, offset: number): number {
    let [low, high] = [0, this.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.isAfter(middle, index, offset)) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Of the row that holds this message, or else of the first that begins after it. */
  searchFrom(index: number, offset: number): number {
    const after = this.searchAfter(index, offset)
    return after > 0 && this.holds(after - 1, index, offset) ? after - 1 : after
  }

  /** Whether the row begins after this message. */
  isAfter(at: number, index: number, offset: number): boolean {
    const own = this.indexAt(at)
    return own === index ? (this.#start[at] as number) > offset : own > index
  }

  holds(at: number, index: number, offset: number): boolean {
    const start = this.#start[at] as number
    return this.indexAt(at) === index && offset >= start && offset < start + (this.#size[at] as number)
  }

  setLargest(at: number, largest: number): void {
    this.#largest[at] = largest
  }

  /** Forgets the rows whose messages are all settled. */
  compact(): void {
    let kept = 0
    for (let at = 0; at < this.length; at++) {
      if (this.unsettled[at] === 0) continue
      for (const column of this.#columns()) column[kept] = column[at] as number
      kept++
    }
    assert(kept === this.alive, 'rows that are alive are counted')
    this.length = kept
    this.#resize(Math.max(firstRows, kept))
  }

  #columns(): readonly (Uint32Array | Uint16Array | Int32Array)[] {
    return [
      this.#delta,
      this.#start,
      this.#size,
      this.#checkLow,
      this.#checkHigh,
      this.#wallDelta,
      this.#largest,
      this.unsettled,
      this.from,
      this.count,
    ]
  }

  #resize(rows: number): void {
    const { length } = this
    this.#delta = moved(new Uint32Array(rows), this.#delta, length)
    this.#start = moved(new Uint16Array(rows), this.#start, length)
    this.#size = moved(new Uint16Array(rows), this.#size, length)
    this.#checkLow = moved(new Uint32Array(rows), this.#checkLow, length)
    this.#checkHigh = moved(new Uint16Array(rows), this.#checkHigh, length)
    this.#wallDelta = moved(new Int32Array(rows), this.#wallDelta, length)
    this.#largest = moved(new Uint16Array(rows), this.#largest, length)
    this.unsettled = moved(new Uint16Array(rows), this.unsettled, length)
    this.from = moved(new Uint16Array(rows), this.from, length)
    this.count = moved(new Uint16Array(rows), this.count, length)
  }
}

function moved<T extends Uint32Array | Uint16Array | Int32Array>(to: T, from: T, length: number): T {
  to.set(from.subarray(0, length))
  return to
}
