import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { Ledger } from './ledger.ts'
import { sizeUnit } from './ledger-segment.ts'

interface Row {
  readonly index: number
  readonly start: number
  readonly size: number
  readonly check: number
  readonly wall: number
  largest: number
  /** Offsets that are not settled. */
  readonly unsettled: Set<number>
  from: number
  count: number
}

/** A ledger beside a list of rows that says the same. */
class Pair {
  readonly ledger = new Ledger()
  rows: Row[] = []
  readonly #prng: Prng
  #index = 0
  /** Messages of that entry so far. */
  #messages = 0

  constructor(prng: Prng) {
    this.#prng = prng
  }

  produce(): void {
    const prng = this.#prng
    if (prng.chance(0.8)) {
      this.#index += prng.chance(0.01) ? 2 ** 33 : prng.between(1, 3)
      this.#messages = 0
    }
    const size = prng.pick([1, 1, 1, 2, 6])
    const start = this.#messages + prng.pick([0, 0, 3])
    this.#messages = start + size
    const wall = 1.7e12 + (prng.chance(0.01) ? -(2 ** 40) : prng.between(-5, 5))
    const row: Row = {
      index: this.#index,
      start,
      size,
      check: prng.between(0, 2 ** 40),
      wall,
      largest: 0,
      unsettled: new Set(),
      from: start,
      count: 0,
    }
    this.ledger.open(row)
    for (let at = 0; at < size; at++) this.#add(row, start + at)
    const isEmpty = this.ledger.close()
    equal(isEmpty, row.unsettled.size === 0)
    if (!isEmpty) this.rows.push(row)
  }

  #add(row: Row, offset: number): void {
    const bytes = this.#prng.between(0, 1_000)
    if (this.#prng.chance(0.1)) return
    row.largest = Math.max(row.largest, Math.ceil(bytes / sizeUnit))
    row.unsettled.add(offset)
    const isNext = row.count === 0 || offset === row.from + row.count
    if (this.#prng.chance(0.8)) {
      equal(this.ledger.addUntouched(offset, bytes), isNext)
      if (!isNext) this.ledger.addTouched(bytes)
      else if (row.count++ === 0) row.from = offset
    } else this.ledger.addTouched(bytes)
  }

  takeHead(settled: boolean): void {
    const row = this.rows.find(({ count }) => count > 0)
    equal(this.ledger.seekHead(), row?.from ?? null)
    if (row === undefined) return
    equal(this.ledger.index, row.index)
    this.ledger.takeHead()
    const offset = row.from++
    row.count--
    if (settled) this.#settle(row, offset)
  }

  /** Some message that is touched. */
  settle(at: number): void {
    const row = this.rows[at % Math.max(this.rows.length, 1)]
    if (row === undefined) return
    const touched = [...row.unsettled].find((offset) => offset < row.from || offset >= row.from + row.count)
    if (touched === undefined) return
    equal(this.ledger.seek(row.index, touched), true)
    equal(this.ledger.isUntouched(touched), false)
    this.#settle(row, touched)
  }

  #settle(row: Row, offset: number): void {
    row.unsettled.delete(offset)
    equal(this.ledger.settle(), row.unsettled.size === 0)
    this.rows = this.rows.filter(({ unsettled }) => unsettled.size > 0)
  }

  compare(): void {
    const rows = this.rows.map(({ unsettled, ...row }) => ({ ...row, unsettled: unsettled.size }))
    const told = [...this.ledger.rows()]
    deepEqual(
      told.map((row) => (row.count === 0 ? { ...row, from: 0 } : row)),
      rows.map((row) => (row.count === 0 ? { ...row, from: 0 } : row)),
    )
    equal(this.ledger.alive, rows.length)
    equal(this.ledger.isCompact, true)
    equal(
      this.ledger.untouched,
      rows.reduce((sum, { count }) => sum + count, 0),
    )
    const middle = rows[rows.length >> 1]?.index ?? 5
    deepEqual(
      [...this.ledger.indexes(middle)],
      rows.map(({ index }) => index).filter((index) => index >= middle),
    )
    for (const row of rows.slice(0, 3)) {
      equal(this.ledger.seek(row.index, row.start + row.size - 1), true)
      equal(this.ledger.index, row.index)
      deepEqual([this.ledger.check, this.ledger.wall, this.ledger.bytesMax], [row.check, row.wall, row.largest * sizeUnit])
    }
    equal(this.ledger.seek(this.#index + 1, 0), false)
    equal(this.ledger.seek(this.#index, this.#messages), false)
  }
}

test('a ledger says what a list of rows does, also when it is compacted, merged and split', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const prng = new Prng(seed)
    const pair = new Pair(prng)
    for (let step = 0; step < 2_000; step++) {
      const isGrowing = Math.floor(step / 400) % 2 === 0
      if (prng.chance(isGrowing ? 0.6 : 0.1)) pair.produce()
      else if (prng.chance(0.5)) pair.takeHead(prng.chance(0.6))
      else for (let times = 0; times < 3; times++) pair.settle(prng.between(0, 10_000))
      if (step % 50 === 0) pair.compare()
    }
    pair.compare()
  }
})

test('one entry that is left of thousands is found, and holds few of them', () => {
  const ledger = new Ledger()
  for (let index = 1; index <= 10_000; index++) {
    ledger.open({ index, start: 0, size: 1, check: index, wall: index })
    ledger.addUntouched(0, 1)
    ledger.close()
  }
  for (let index = 1; index <= 10_000; index++) {
    ledger.seekHead()
    ledger.takeHead()
    if (index % 5_000 !== 7) ok(ledger.settle())
  }
  deepEqual([...ledger.indexes(0)], [7, 5_007])
  equal(ledger.isCompact, true)
})
