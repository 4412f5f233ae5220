import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { Meter } from './meter.ts'

test('what is done before a meter is open, or after it was closed, does not count', () => {
  let now = 0
  const meter = new Meter([], () => now)
  meter.count(100)
  now = 1_000
  meter.open()
  meter.count(7)
  meter.took(3)
  now = 3_000
  meter.close()
  meter.count(100)
  meter.took(9)
  now = 9_000
  meter.close()
  const { perSecond, p50Ms, p99Ms } = meter.result()
  deepEqual([perSecond, p50Ms, p99Ms], [3.5, 3, 3])
})

test('a meter that was never open has no result, and one that saw nothing has a rate of 0', () => {
  let now = 0
  const meter = new Meter([], () => now)
  meter.close()
  equal(meter.isClosed, false)
  throws(() => meter.result(), /nothing was measured/)
  meter.open()
  throws(() => meter.result(), /nothing was measured/)
  now = 1_000
  meter.close()
  const { perSecond, p50Ms } = meter.result()
  deepEqual([perSecond, p50Ms], [0, Number.NaN])
})
