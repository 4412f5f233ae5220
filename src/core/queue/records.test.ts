import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { RecordHeap } from './record-heap.ts'
import { none, Records } from './records.ts'

test('records are found by their place, whatever was added and removed before', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const prng = new Prng(seed)
    const records = new Records()
    const model = new Map<string, number>()
    const place = (): { index: number; offset: number } => ({
      index: prng.pick([1, 2, 2 ** 32, 2 ** 40]) + prng.between(0, 40),
      offset: prng.between(0, 5),
    })
    for (let step = 0; step < 2_000; step++) {
      const { index, offset } = place()
      const name = `${index}.${offset}`
      const known = model.get(name)
      equal(records.find(index, offset), known ?? none)
      if (known === undefined) model.set(name, records.add({ index, offset, partition: 3 }))
      else if (prng.chance(0.7)) {
        records.remove(known)
        model.delete(name)
      }
    }
    equal(records.size, model.size)
    deepEqual([...records.all()].toSorted(byNumber), [...model.values()].toSorted(byNumber))
    for (const [name, record] of model) equal(`${records.indexOf(record)}.${records.offset[record]}`, name)
  }
})

const byNumber = (left: number, right: number): number => left - right

test('a record that is given out again has nothing of its former life', () => {
  const records = new Records()
  const first = records.add({ index: 1, offset: 1, partition: 1 })
  records.lease[first] = 7
  records.failed[first] = 7
  records.flags[first] = 7
  records.priority[first] = 7
  records.expires[first] = 7
  records.remove(first)
  const again = records.add({ index: 2, offset: 2, partition: 2 })
  equal(again, first)
  deepEqual(
    [records.lease[again], records.failed[again], records.flags[again], records.priority[again], records.expires[again]],
    [0, 0, 0, 0, Infinity],
  )
  equal(records.find(1, 1), none)
})

test('what leaves a heap of records is the first, by place or by deadline, also when others were taken out of its midst', () => {
  for (const order of ['place', 'deadline'] as const) {
    const prng = new Prng(3)
    const records = new Records()
    const heap = new RecordHeap(records, order)
    const inside = new Set<number>()
    for (let at = 1; at <= 500; at++) {
      const record = records.add({ index: prng.between(1, 50), offset: at, partition: 0 })
      records.deadline[record] = prng.between(0, 20)
      heap.push(record)
      inside.add(record)
      if (!prng.chance(0.4)) continue
      const out = prng.pick([...inside])
      heap.remove(out)
      inside.delete(out)
    }
    const sorted = [...inside].sort((left, right) => {
      const [first, second] = [records.deadline[left] ?? 0, records.deadline[right] ?? 0]
      if (order === 'deadline' && first !== second) return first - second
      return records.isBefore(left, right) ? -1 : 1
    })
    deepEqual([...heap.inOrder()], sorted)
    for (const expected of sorted) {
      equal(heap.peek(), expected)
      heap.remove(expected)
    }
    ok(heap.size === 0 && heap.peek() === none)
  }
})
