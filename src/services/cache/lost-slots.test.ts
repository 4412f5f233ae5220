import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { lossWarning, newlyLost } from './lost-slots.ts'

const at = (minute: number): string => new Date(minute * 60_000).toISOString()

test('a slot is news when it was lost once more than was known', () => {
  const known = [{ slot: 2, times: 1, last_at: at(1) }]
  const again = { slot: 2, times: 2, last_at: at(5) }
  const first = { slot: 3, times: 1, last_at: at(5) }
  deepEqual(newlyLost(known, [again, first]), [again, first])
  deepEqual(newlyLost(known, known), [])
  deepEqual(newlyLost([], known), known)
})

test('an operator is told of slots that were lost, for a day', () => {
  const lost = [
    { slot: 2, times: 1, last_at: at(1) },
    { slot: 3, times: 4, last_at: at(600) },
  ]
  match(lossWarning(lost, 700 * 60_000) ?? '', /^2 slots lost .* at 1970-01-01T10:00:00\.000Z/)
  match(lossWarning(lost, 1_500 * 60_000) ?? '', /^slot 3 lost /)
  equal(lossWarning(lost, 2_100 * 60_000), null)
  equal(lossWarning([], 0), null)
})
