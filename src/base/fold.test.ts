import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { fold } from './fold.ts'

test('texts are spread evenly, names that differ in one letter too, and a text is always the same number', () => {
  const counts = new Map<number, number>()
  for (let at = 0; at < 64_000; at++) {
    const bucket = fold(`n${at}/agent`) % 64
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
  }
  ok([...counts.values()].every((count) => count > 850 && count < 1_150) && counts.size === 64, [...counts.values()].join(' '))
  deepEqual([fold(''), fold('A'), fold('A'), fold('B')], [0x1cd9, 0x32c7, 0x32c7, 0x3c8e])
})
