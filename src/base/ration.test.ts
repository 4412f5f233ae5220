import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from './brand.ts'
import { Ration } from './ration.ts'

test('so many are told in a while, and the next one says how many were not', () => {
  const ration = new Ration(2, 100)
  const told = [0, 10, 20, 99, 100, 110, 120, 500].map((now) => ration.take(millis(now)))
  deepEqual(told, [0, 0, null, null, 2, 0, null, 1])
})
