import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { isFlat, memoryLine } from './memory.ts'

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

test('connections that are never closed are not flat', () => {
  const sizes = Array.from({ length: 9 }, () => 100)
  equal(isFlat(run(sizes)), true)
  equal(isFlat(run(sizes, (at) => 50 + 40 * at)), false)
})

test('a line has the first, the largest and the last of each kind', () => {
  equal(
    memoryLine(run([100, 400, 300])),
    'resident 100 → 400 → 300, anonymous 100 → 400 → 300, heap 200 → 200 → 150 MiB; descriptors 50 → 50 → 50',
  )
})
