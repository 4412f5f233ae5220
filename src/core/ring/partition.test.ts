import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { partitionOf, slotOf } from './partition.ts'

test('a key always maps to the same partition, in range', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (key, partitions) => {
      const partition = partitionOf(key, partitions)
      assert.ok(partition >= 0 && partition < partitions)
      assert.equal(partitionOf(key, partitions), partition)
    }),
  )
})

test('the partitions of one queue lie on different slots as long as there are enough', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (name, slots) => {
      const used = Array.from({ length: slots }, (_, partition) => slotOf(name, partition, slots))
      assert.deepEqual(
        used.toSorted((left, right) => left - right),
        Array.from({ length: slots }, (_, slot) => slot + 1),
      )
    }),
  )
})

test('names spread over 32 slots within a quarter of the mean', () => {
  const counts = Array.from({ length: 32 }, () => 0)
  for (let name = 0; name < 32_000; name++) {
    const slot = slotOf(`queue-${name}`, 0, 32) - 1
    counts[slot] = (counts[slot] ?? Number.NaN) + 1
  }
  assert.ok(
    counts.every((count) => count > 750 && count < 1_250),
    counts.join(' '),
  )
})
