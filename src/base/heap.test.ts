import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Heap } from './heap.ts'

const drain = <T>(heap: Heap<T>): T[] => {
  const items: T[] = []
  for (let item = heap.pop(); item !== undefined; item = heap.pop()) items.push(item)
  return items
}

test('what leaves a heap is what a sorted array would give, also when pushes and pops mix', () => {
  const step = fc.oneof({ weight: 2, arbitrary: fc.integer({ min: -20, max: 20 }) }, { weight: 1, arbitrary: fc.constant('pop' as const) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
      const heap = new Heap<number>((left, right) => left < right)
      const model: number[] = []
      for (const item of steps) {
        if (item === 'pop') equal(heap.pop(), model.shift())
        else {
          heap.push(item)
          model.push(item)
          model.sort((left, right) => left - right)
        }
        equal(heap.peek(), model[0])
        equal(heap.size, model.length)
      }
      deepEqual(drain(heap), model)
    }),
  )
})

test('with a tie-breaker, equal items leave in the order of the tie-breaker', () => {
  const heap = new Heap<{ readonly at: number; readonly order: number }>((left, right) =>
    left.at === right.at ? left.order < right.order : left.at < right.at,
  )
  for (let order = 0; order < 100; order++) heap.push({ at: order % 3, order })
  const leaving = drain(heap)
  equal(leaving.length, 100)
  deepEqual(
    leaving,
    leaving.toSorted((left, right) => (left.at === right.at ? left.order - right.order : left.at - right.at)),
  )
})

test('an empty heap has no top', () => {
  const heap = new Heap<number>((left, right) => left < right)
  equal(heap.peek(), undefined)
  equal(heap.pop(), undefined)
  equal(heap.size, 0)
})

test('a copy of a heap has the same items, and goes its own way', () => {
  const heap = new Heap<number>((left, right) => left < right)
  for (const item of [3, 1, 2]) heap.push(item)
  const copy = heap.copy()
  copy.push(0)
  deepEqual(drain(copy), [0, 1, 2, 3])
  deepEqual(drain(heap), [1, 2, 3])
})
