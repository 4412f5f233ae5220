import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { IndexedHeap } from './indexed-heap.ts'

interface Item {
  at: number
  readonly id: number
  slot: number
}

const isBefore = (left: Item, right: Item): boolean => (left.at === right.at ? left.id < right.id : left.at < right.at)

const step = fc.record({
  kind: fc.constantFrom('push', 'push', 'push', 'remove', 'update', 'update', 'pop'),
  which: fc.nat(),
  at: fc.nat({ max: 20 }),
})

test('a heap from which anything may be taken, and in which anything may move, gives what a sorted list gives', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const heap = new IndexedHeap<Item>(isBefore)
      let model: Item[] = []
      steps.forEach(({ kind, which, at }, id) => {
        const item = model[which % Math.max(1, model.length)]
        if (kind === 'push') {
          const added = { at, id, slot: -1 }
          heap.push(added)
          model.push(added)
        } else if (item !== undefined && kind === 'update') {
          item.at = at
          heap.update(item)
        } else if (item !== undefined) {
          const removed = kind === 'remove' ? item : heap.peek()
          if (removed !== undefined) heap.remove(removed)
          model = model.filter((other) => other !== removed)
          equal(removed?.slot, -1)
        }
        model.sort((left, right) => (isBefore(left, right) ? -1 : 1))
        equal(heap.peek(), model[0])
        equal(heap.size, model.length)
        deepEqual(
          model.filter((each) => !heap.has(each)),
          [],
        )
      })
    }),
  )
})
