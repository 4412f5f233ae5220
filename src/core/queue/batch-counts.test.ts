import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { BatchCounts } from './batch-counts.ts'

test('an entry is dead when the last of its batches is settled, and not while it is being carried out', () => {
  const counts = new BatchCounts()
  equal(counts.enter(5), null)
  counts.add()
  equal(counts.settle(5), false, 'more may come')
  counts.add()
  equal(counts.enter(5), null)
  equal(counts.enter(6), null, 'one is left')
  equal(counts.settle(5), true)
  counts.add()
  equal(counts.settle(6), false)
  equal(counts.enter(7), 6, 'nothing came of it')
  equal(counts.enter(8), null, 'an entry without batches needs no body')
  equal(counts.size, 0)
})

test('entries with many batches are counted as a map would, thousands of them, also in a replica that was restored', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const prng = new Prng(seed)
    let counts = new BatchCounts()
    const model = new Map<number, number>()
    let index = 1
    for (let step = 0; step < 5_000; step++) {
      if (prng.chance(step < 2_500 ? 0.4 : 0.15)) {
        index += prng.chance(0.001) ? 2 ** 33 : prng.between(1, 3)
        counts.enter(index)
        const batches = prng.pick([1, 1, 2, 5])
        for (let at = 0; at < batches; at++) counts.add()
        model.set(index, batches)
      } else if (model.size > 0) {
        const some = prng.pick([...model.keys()])
        const left = (model.get(some) ?? 0) - 1
        const isDead = counts.settle(some)
        if (some !== index) equal(isDead, left === 0)
        if (left === 0) model.delete(some)
        else model.set(some, left)
      }
      if (step !== 3_000) continue
      counts.enter(++index)
      const restored = new BatchCounts()
      for (const [each, batches] of model) restored.restore(each, batches)
      deepEqual(restored.size, counts.size)
      counts = restored
    }
  }
})
