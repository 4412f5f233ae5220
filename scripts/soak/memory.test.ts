import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isClosed, isFlat, memoryLine } from './memory.ts'

const mebibyte = 1024 * 1024
const run = (sizes: readonly number[], descriptors = (_at: number): number => 50): Parameters<typeof isFlat>[0] =>
  sizes.map((size, at) => {
    const bytes = size * mebibyte
    const heapBytes = at === 0 ? null : bytes / 2
    return { atMs: at * 1_000, descriptors: descriptors(at), residentBytes: bytes, anonymousBytes: bytes, heapBytes }
  })

test('memory that grows while it gets warm, and then breathes, is flat', () => {
  equal(isFlat(run([100, 200, 300, 500, 480, 520, 540, 470, 500])), true)
})

test('memory that goes on growing is not flat', () => {
  equal(isFlat(run([100, 200, 300, 400, 500, 600, 700, 800, 900])), false)
})

test('what is open when the load has gone is closed or not', () => {
  const [before, during, after] = run([100, 100, 100], (at) => [50, 2_000, 60][at] ?? 0)
  ok(before !== undefined && during !== undefined && after !== undefined)
  equal(isClosed(before, after), true)
  equal(isClosed(before, during), false)
})

test('a line has the first, the largest and the last of each kind', () => {
  equal(
    memoryLine(run([100, 400, 300])),
    'resident 100 → 400 → 300, anonymous 100 → 400 → 300, heap 200 → 200 → 150 MiB; descriptors 50 → 50 → 50',
  )
})
