import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Deque } from './deque.ts'

type Operation = { readonly type: 'push' | 'unshift'; readonly item: number } | { readonly type: 'shift' | 'pop' | 'clear' }

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 12, arbitrary: fc.integer().map((item) => ({ type: 'push' as const, item })) },
  { weight: 5, arbitrary: fc.integer().map((item) => ({ type: 'unshift' as const, item })) },
  { weight: 5, arbitrary: fc.constant({ type: 'shift' as const }) },
  { weight: 4, arbitrary: fc.constant({ type: 'pop' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'clear' as const }) },
)

function apply(deque: Deque<number>, model: number[], step: Operation): void {
  switch (step.type) {
    case 'push':
      deque.push(step.item)
      model.push(step.item)
      break
    case 'unshift':
      deque.unshift(step.item)
      model.unshift(step.item)
      break
    case 'shift':
      equal(deque.shift(), model.shift())
      break
    case 'pop':
      equal(deque.pop(), model.pop())
      break
    case 'clear':
      deque.clear()
      model.length = 0
      break
  }
}

test('a deque does what an array does, whatever the order of operations', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200, size: 'max' }), (steps) => {
      const deque = new Deque<number>()
      const model: number[] = []
      for (const step of steps) {
        apply(deque, model, step)
        equal(deque.length, model.length)
        equal(deque.at(0), model[0])
        equal(deque.at(model.length - 1), model.at(-1))
      }
      deepEqual([...deque], model)
    }),
  )
})

test('growing while the ring is wrapped around keeps the order', () => {
  for (let offset = 0; offset < 16; offset++) {
    const deque = new Deque<number>()
    for (let item = 0; item < offset; item++) deque.push(item)
    for (let item = 0; item < offset; item++) deque.shift()
    const items = Array.from({ length: 40 }, (_, position) => position)
    for (const item of items) deque.push(item)
    deepEqual([...deque], items)
  }
})

test('there is nothing before the first and after the last item', () => {
  const deque = new Deque<number>()
  equal(deque.at(0), undefined)
  deque.push(1)
  equal(deque.at(-1), undefined)
  equal(deque.at(1), undefined)
})

test('taking from an empty deque gives undefined and leaves it usable', () => {
  const deque = new Deque<number>()
  equal(deque.shift(), undefined)
  equal(deque.pop(), undefined)
  deque.push(7)
  deepEqual([...deque], [7])
})
