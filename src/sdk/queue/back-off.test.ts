import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { backOffDelay } from './back-off.ts'

test('the delay doubles with each failure up to its limit, and chance only shortens it', () => {
  const backOff = { delayMs: 100, maxMs: 1_000, jitter: 0.5 }
  equal([0, 1, 2, 3, 4, 1_000].map((failed) => backOffDelay(backOff, failed, 0)).join(' '), '100 200 400 800 1000 1000')
  equal(backOffDelay(backOff, 1, 0.5), 150)
  equal(backOffDelay({ ...backOff, jitter: 7 }, 0, 0.999), 0)
  equal(backOffDelay({}, 0, 0), 1_000)
})
