import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import type { Clock } from '#ports/clock.ts'
import { queueServiceLimits as limits } from './limits.ts'
import { RateMeter } from './rates.ts'

let now = 0
const clock: Clock = { now: () => millis(now), wall: () => wallMillis(0), after: () => () => {}, soon: (call) => call() }
const sent = (enqueued: number): Parameters<RateMeter['changed']>[1] =>
  ({ enqueued, delivered: 0, acknowledged: 0 }) as Parameters<RateMeter['changed']>[1]

test('rates are of the last ten seconds, and partitions that came to rest before take no memory', () => {
  const meter = new RateMeter(clock)
  for (let at = 0; at < 1_000; at++) {
    now = at * 100
    meter.changed(`short-lived ${at}`, sent(1))
    meter.changed('busy', sent(5))
  }
  equal(meter.of('busy').enqueued, 50)
  deepEqual(meter.of('short-lived 0'), { enqueued: 0, delivered: 0, acknowledged: 0 })
  equal(meter.size, limits.rateSeconds * 10 + 1)
})
