import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { noTotals, sum, totalsLine } from './totals.ts'

test('the last line names skips only when there are some', () => {
  equal(totalsLine({ passed: 12, failed: 0, skipped: 0 }), '12 passed, 0 failed')
  equal(totalsLine({ passed: 12, failed: 1, skipped: 2 }), '12 passed, 1 failed, 2 skipped')
})

test('totals add up', () => {
  deepEqual(sum([]), noTotals)
  deepEqual(
    sum([
      { passed: 1, failed: 2, skipped: 3 },
      { passed: 10, failed: 20, skipped: 30 },
    ]),
    { passed: 11, failed: 22, skipped: 33 },
  )
})
