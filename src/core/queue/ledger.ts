import { assert, present } from '#base/assert.ts'
import type { BatchRow } from './ledger-segment.ts'
import { LedgerSegment, segmentRows, sizeUnit } from './ledger-segment.ts'
import type { IndexRange } from './types.ts'

/**
 * The batches that brought messages to one partition, in the order of the log, for as long as any of their messages is not settled. It is also the
 * queue of those messages of which nothing is known but their place: ready, never delivered, without key, priority or ttl. So a backlog costs
 * 26 bytes for each batch, however many messages that holds.
 *
 * Rows of settled batches are forgotten with their segment, or when three quarters of it are settled: one old message holds a few rows,
 * not the ledger.
 */
export class Ledger {
  readonly #segments: LedgerSegment[] = []
  /** Messages of which nothing is known but their place. */
  untouched = 0
  /** Rows with unsettled messages. */
  alive = 0
  /** Before it there are no untouched messages. */
  #head: LedgerSegment | null = null
  #headAt = 0
  /** The row of the last `seek` that found one. */
  #found: LedgerSegment | null = null
  #foundAt = 0

  /** Begins a row, which counts as unsettled until `close`. */
  open(batch: Pick<BatchRow, 'index' | 'start' | 'size' | 'check' | 'wall'>): void {
    this.add({ ...batch, largest: 0, unsettled: 1, from: batch.start, count: 0 })
  }

  /** Ends what `open` began. True when nothing of it is left to be settled. */
  close(): boolean {
    this.#seekLast()
    return this.settle()
  }

  /** As it was in another ledger. */
  add(row: BatchRow): void {
    let last = this.#segments.at(-1)
    assert(last === undefined || !last.isAfter(last.length - 1, row.index, row.start), 'batches come in order')
    if (last === undefined || !last.takes(row.index, row.wall)) {
      last = new LedgerSegment(row.index, row.wall)
      this.#segments.push(last)
    }
    last.append(row)
    this.alive++
    this.untouched += row.count
    this.#head ??= last
    this.#found = last
    this.#foundAt = last.length - 1
  }

  /** One more message of the last row. False when it is not next to the untouched ones there: then more has to be known of it. */
  addUntouched(offset: number, bytes: number): boolean {
    const last = this.#seekLast()
    const at = this.#foundAt
    const count = last.count[at] as number
    if (count === 0) last.from[at] = offset
    else if (offset !== (last.from[at] as number) + count) return false
    last.count[at] = count + 1
    this.untouched++
    this.#head ??= last
    this.addTouched(bytes)
    return true
  }

  /** One more message of the last row of which more is known. */
  addTouched(bytes: number): void {
    const last = this.#seekLast()
    const at = this.#foundAt
    last.unsettled[at] = (last.unsettled[at] as number) + 1
    const units = Math.ceil(bytes / sizeUnit)
    if (units > last.largestAt(at)) last.setLargest(at, units)
  }

  /** Whether there is a row for the batch of this message. The questions below are about it. */
  seek(index: number, offset: number): boolean {
    const found = this.#found
    if (found !== null && this.#foundAt < found.length && found.holds(this.#foundAt, index, offset)) return true
    const segment = this.#segments[this.#segmentAfter(index, offset) - 1]
    if (segment === undefined) return false
    const at = segment.searchAfter(index, offset) - 1
    if (!segment.holds(at, index, offset) || segment.unsettled[at] === 0) return false
    this.#found = segment
    this.#foundAt = at
    return true
  }

  get check(): number {
    return this.#row().checkAt(this.#foundAt)
  }
  get wall(): number {
    return this.#row().wallAt(this.#foundAt)
  }
  /** What any of its bodies is at most. */
  get bytesMax(): number {
    return this.#row().largestAt(this.#foundAt) * sizeUnit
  }
  isUntouched(offset: number): boolean {
    const from = this.#row().from[this.#foundAt] as number
    return offset >= from && offset < from + (this.#row().count[this.#foundAt] as number)
  }

  /** One message of the row is settled. True when that was the last. */
  settle(): boolean {
    const segment = this.#row()
    const left = (segment.unsettled[this.#foundAt] as number) - 1
    assert(left >= 0, 'a message is settled once')
    segment.unsettled[this.#foundAt] = left
    if (left > 0) return false
    segment.alive--
    this.alive--
    this.#found = null
    if (segment.alive === 0) this.#remove(segment)
    else if (isSparse(segment)) this.#compact(segment)
    return true
  }

  /** Seeks the first untouched message; its offset, or null when there is none. */
  seekHead(): number | null {
    if (this.untouched === 0) return null
    for (let segment = this.#head; segment !== null; segment = this.#after(segment), this.#headAt = 0) {
      this.#head = segment
      while (this.#headAt < segment.length && segment.count[this.#headAt] === 0) this.#headAt++
      if (this.#headAt === segment.length) continue
      this.#found = segment
      this.#foundAt = this.#headAt
      return segment.from[this.#headAt] as number
    }
    return null
  }

  /** Of the row that was sought. */
  get index(): number {
    return this.#row().indexAt(this.#foundAt)
  }

  /** After `seekHead`: that message is untouched no more. */
  takeHead(): void {
    const segment = this.#row()
    assert((segment.count[this.#foundAt] as number) > 0, 'what is taken was untouched')
    segment.from[this.#foundAt] = (segment.from[this.#foundAt] as number) + 1
    segment.count[this.#foundAt] = (segment.count[this.#foundAt] as number) - 1
    this.untouched--
  }

  /** From the first row of this entry, or that of this message in it, or after it. The ledger must stay as it is until the last is taken. */
  *rows(start = 0, offset = -1): IterableIterator<BatchRow> {
    for (let number = Math.max(0, this.#segmentAfter(start, offset) - 1); number < this.#segments.length; number++) {
      const segment = this.#segments[number] as LedgerSegment
      for (let at = segment.searchFrom(start, offset); at < segment.length; at++) {
        if ((segment.unsettled[at] as number) > 0) yield segment.rowAt(at)
      }
    }
  }

  /** Of the rows, without what else is in them: an entry comes as often as it has batches here. */
  *indexes(start: number): IterableIterator<number> {
    for (let number = Math.max(0, this.#segmentAfter(start, -1) - 1); number < this.#segments.length; number++) {
      const segment = this.#segments[number] as LedgerSegment
      for (let at = segment.searchAfter(start, -1); at < segment.length; at++) {
        if ((segment.unsettled[at] as number) > 0) yield segment.indexAt(at)
      }
    }
  }

  /** Of the entries; null when there are none. Those at the ends may be settled. */
  get span(): IndexRange | null {
    const [first, last] = [this.#segments[0], this.#segments.at(-1)]
    return first === undefined || last === undefined ? null : { from: first.base, to: last.indexAt(last.length - 1) }
  }

  /** Whether few of the rows that are held are settled. */
  get isCompact(): boolean {
    return !this.#segments.some(isSparse)
  }

  #seekLast(): LedgerSegment {
    const last = present(this.#segments.at(-1), 'a row was begun')
    this.#found = last
    this.#foundAt = last.length - 1
    return last
  }

  #row(): LedgerSegment {
    return present(this.#found, 'a row was sought and found')
  }

  /** Of the first segment that begins after this message. */
  #segmentAfter(index: number, offset: number): number {
    let [low, high] = [0, this.#segments.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#segments[middle] as LedgerSegment).isAfter(0, index, offset)) high = middle
      else low = middle + 1
    }
    return low
  }

  #after(segment: LedgerSegment): LedgerSegment | null {
    return this.#segments[this.#numberOf(segment) + 1] ?? null
  }

  #remove(segment: LedgerSegment): void {
    const number = this.#numberOf(segment)
    if (this.#head === segment) {
      this.#head = this.#segments[number + 1] ?? null
      this.#headAt = 0
    }
    this.#segments.splice(number, 1)
  }

  /** Two neighbours that have become small are made one. */
  #compact(segment: LedgerSegment): void {
    segment.compact()
    if (this.#head === segment) this.#headAt = 0
    const before = this.#segments[this.#numberOf(segment) - 1]
    if (before === undefined || before.length + segment.length > segmentRows >> 1) return
    const rows = Array.from({ length: segment.length }, (_, at) => segment.rowAt(at))
    if (!rows.every(({ index, wall }) => before.takes(index, wall))) return
    const isAhead = this.#head === segment || this.#head === before
    this.#remove(segment)
    for (const row of rows) before.append(row)
    if (!isAhead) return
    this.#head = before
    this.#headAt = 0
  }

  #numberOf(segment: LedgerSegment): number {
    const { index, start } = segment.rowAt(0)
    return this.#segmentAfter(index, start) - 1
  }
}

const isSparse = ({ alive, length }: LedgerSegment): boolean => alive * 4 + 16 <= length
