import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { RecentMap } from './recent-map.ts'

test('of more than there may be, what was used longest ago goes', () => {
  const map = new RecentMap<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  equal(map.get('a'), 1)
  map.set('c', 3)
  deepEqual(map.values(), [1, 3])
  equal(map.get('b'), undefined)
  map.set('a', 4)
  map.set('d', 5)
  deepEqual(map.values(), [4, 5])
  map.delete('a')
  deepEqual(map.values(), [5])
})

test('what may not go stays until it may', () => {
  const busy = new Set([1, 2, 3])
  const map = new RecentMap<string, number>(1, (value) => !busy.has(value))
  map.set('a', 1)
  map.set('b', 2)
  map.set('c', 3)
  deepEqual(map.values(), [1, 2, 3])
  busy.clear()
  map.set('d', 4)
  deepEqual(map.values(), [4])
})
