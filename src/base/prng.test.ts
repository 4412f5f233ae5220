import { deepEqual, equal, notDeepEqual, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Prng } from './prng.ts'

const draw = (prng: Prng, count: number): number[] => Array.from({ length: count }, () => prng.uint32())
const seed = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })

/** Pearson's chi-squared statistic against equal shares. */
function chiSquared(counts: readonly number[]): number {
  const expected = counts.reduce((total, count) => total + count, 0) / counts.length
  return counts.reduce((total, count) => total + (count - expected) ** 2 / expected, 0)
}

function countsOf(size: number, draws: number, next: () => number): number[] {
  const counts = Array.from({ length: size }, () => 0)
  for (let drawn = 0; drawn < draws; drawn++) {
    const bucket = next()
    counts[bucket] = (counts[bucket] ?? 0) + 1
  }
  return counts
}

/** The statistic has mean `freedom` and variance 2 × `freedom`: five deviations either way. The seeds are fixed, so this cannot flake. */
function isPlausible(counts: readonly number[]): boolean {
  const freedom = counts.length - 1
  return Math.abs(chiSquared(counts) - freedom) < 5 * Math.sqrt(2 * freedom)
}

test('the same seed gives the same sequence', () => {
  fc.assert(fc.property(seed, (value) => deepEqual(draw(new Prng(value), 50), draw(new Prng(value), 50))))
})

test('the sequence of a seed never changes, for recorded seeds must keep their meaning', () => {
  deepEqual(draw(new Prng(0), 4), [2297102522, 4242804496, 2805528058, 609994695])
  deepEqual(draw(new Prng(1), 4), [3098314226, 4287568898, 2024100432, 1608336407])
  deepEqual(draw(new Prng(2 ** 32 + 1), 4), [2325785049, 2491249247, 800811262, 4224296565])
})

test('different seeds give different sequences, also when they differ above 32 bits', () => {
  fc.assert(
    fc.property(seed, seed, (left, right) => {
      fc.pre(left !== right)
      notDeepEqual(draw(new Prng(left), 4), draw(new Prng(right), 4))
    }),
  )
  notDeepEqual(draw(new Prng(5), 4), draw(new Prng(5 + 2 ** 32), 4))
})

test('every byte of the output is spread evenly', () => {
  for (const shift of [0, 8, 16, 24]) {
    const prng = new Prng(42 + shift)
    ok(isPlausible(countsOf(256, 100_000, () => (prng.uint32() >>> shift) & 0xff)))
  }
})

test('two numbers in a row are independent', () => {
  const prng = new Prng(7)
  ok(isPlausible(countsOf(1024, 200_000, () => ((prng.uint32() >>> 27) << 5) | (prng.uint32() >>> 27))))
})

test('neighbouring seeds start independently', () => {
  let value = 0
  ok(isPlausible(countsOf(64, 50_000, () => new Prng(value++).uint32() >>> 26)))
})

test('the numbers of a fork and of its parent are independent', () => {
  const parent = new Prng(11)
  const child = parent.fork()
  ok(isPlausible(countsOf(1024, 200_000, () => ((parent.uint32() >>> 27) << 5) | (child.uint32() >>> 27))))
})

test('drawing from a fork does not change what its parent draws next', () => {
  const parent = new Prng(3)
  const twin = new Prng(3)
  draw(parent.fork(), 100)
  twin.fork()
  deepEqual(draw(parent, 10), draw(twin, 10))
})

test('float is in [0, 1) with a mean of one half', () => {
  const prng = new Prng(1)
  let total = 0
  for (let drawn = 0; drawn < 100_000; drawn++) {
    const value = prng.float()
    ok(value >= 0 && value < 1)
    total += value
  }
  ok(Math.abs(total / 100_000 - 0.5) < 0.005)
})

test('between includes both ends and spreads evenly', () => {
  const prng = new Prng(2)
  const counts = countsOf(7, 70_000, () => prng.between(-3, 3) + 3)
  equal(counts.length, 7)
  ok(isPlausible(counts))
  equal(new Prng(2).between(5, 5), 5)
  throws(() => new Prng(2).between(1, 0), /empty range/)
})

test('chance is never at 0, always at 1, and as often as it says in between', () => {
  const prng = new Prng(4)
  const hits = (probability: number): number => countsOf(2, 20_000, () => (prng.chance(probability) ? 1 : 0))[1] ?? 0
  equal(hits(0), 0)
  equal(hits(1), 20_000)
  ok(Math.abs(hits(0.3) / 20_000 - 0.3) < 0.02)
})

test('pick reaches every item and needs at least one', () => {
  const prng = new Prng(5)
  deepEqual(new Set(Array.from({ length: 200 }, () => prng.pick(['a', 'b', 'c']))), new Set(['a', 'b', 'c']))
  throws(() => prng.pick([]), /nothing to pick/)
})

test('shuffle keeps the items and leaves its argument alone', () => {
  fc.assert(
    fc.property(seed, fc.array(fc.integer()), (value, items) => {
      const before = [...items]
      const shuffled = new Prng(value).shuffle(items)
      deepEqual(items, before)
      deepEqual(
        shuffled.toSorted((left, right) => left - right),
        before.toSorted((left, right) => left - right),
      )
    }),
  )
})

test('shuffle gives every order equally often', () => {
  const prng = new Prng(6)
  const orders = ['abc', 'acb', 'bac', 'bca', 'cab', 'cba']
  ok(isPlausible(countsOf(6, 60_000, () => orders.indexOf(prng.shuffle(['a', 'b', 'c']).join('')))))
})
