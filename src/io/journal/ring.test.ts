import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { pageBytes } from './limits.ts'
import { pagesFor, recordHeaderBytes, sealRecord } from './record.ts'
import { Ring } from './ring.ts'
import type { Position } from './ring.ts'
import { scan } from './scan.ts'

const journal = 77
const pages = 8

/** A journal in memory, and which of its records are still needed. */
class TestJournal {
  readonly bytes = Buffer.alloc(pages * pageBytes)
  readonly ring = new Ring(pages)
  released: Position = this.ring.position
  /** Payloads after `released`, by number, and where each ends. */
  readonly needed = new Map<number, { readonly payload: Buffer; readonly position: Position }>()

  write(payloadBytes: number): boolean {
    const payload = Buffer.alloc(payloadBytes, this.ring.position.number + 1)
    const record = Buffer.concat([Buffer.alloc(recordHeaderBytes), payload])
    const page = this.ring.place(pagesFor(record.length))
    if (page === null) return false
    const { position } = this.ring
    sealRecord(record, journal, position.number)
    record.copy(this.bytes, page * pageBytes)
    this.needed.set(position.number, { payload, position })
    return true
  }

  release(count: number): void {
    for (const [number, { position }] of [...this.needed].slice(0, count)) {
      this.needed.delete(number)
      this.released = position
    }
    this.ring.release(this.released.number)
  }

  check(): void {
    const outcome = scan(this.bytes, journal, this.released)
    ok(outcome.type === 'found', 'nothing is damaged')
    deepEqual(
      outcome.payloads,
      [...this.needed.values()].map(({ payload }) => payload),
    )
  }
}

test('whatever is written and released, round and round: all that was not released is found again, in order', () => {
  const action = fc.oneof(
    fc.record({ write: fc.integer({ min: 0, max: 3 * pageBytes }) }),
    fc.record({ release: fc.integer({ min: 1, max: 4 }) }),
  )
  let laps = 0
  fc.assert(
    fc.property(fc.array(action, { minLength: 20, maxLength: 60 }), (actions) => {
      const tested = new TestJournal()
      for (const each of actions) {
        if ('write' in each) tested.write(each.write)
        else tested.release(each.release)
        tested.check()
      }
      if (tested.ring.position.number > pages) laps++
    }),
    { numRuns: 300 },
  )
  ok(laps > 50, `${laps} runs came round`)
})

test('a full journal takes nothing until something is released', () => {
  const tested = new TestJournal()
  for (let count = 0; count < pages; count++) equal(tested.write(100), true)
  equal(tested.write(100), false)
  tested.release(1)
  equal(tested.write(pageBytes), false)
  equal(tested.write(100), true)
  tested.check()
})

test('pitfall 41: a torn last record is forgiven whichever of its pages are missing, a bad one before a good one never is', () => {
  for (let missing = 1; missing < 8; missing++) {
    const tested = new TestJournal()
    tested.write(2 * pageBytes)
    tested.write(2 * pageBytes)
    const last = tested.ring.position.page - 3
    for (const page of [0, 1, 2])
      if (((missing >> page) & 1) === 1) tested.bytes.fill(0, (last + page) * pageBytes, (last + page + 1) * pageBytes)
    deepEqual(scan(tested.bytes, journal, tested.released), { type: 'found', payloads: [tested.needed.get(1)?.payload] })
  }
  for (const at of [0, 5, 9, 17, recordHeaderBytes, pageBytes + 3]) {
    const tested = new TestJournal()
    tested.write(2 * pageBytes)
    tested.write(100)
    tested.bytes.writeUInt8(tested.bytes.readUInt8(at) ^ 0x10, at)
    deepEqual(scan(tested.bytes, journal, tested.released), { type: 'damaged', number: 1 })
  }
})

test('a record of another journal is none', () => {
  const tested = new TestJournal()
  tested.write(100)
  deepEqual(scan(tested.bytes, journal + 1, tested.released), { type: 'found', payloads: [] })
})
