import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LeaseClock } from './lease-clock.ts'

test('the lease clock goes on while the machine is suspended, and never goes back', () => {
  let monotonic = 1_000
  let uptime = 50_000
  const clock = new LeaseClock(
    () => monotonic,
    () => uptime,
  )
  assert.equal(clock.now(), 1_000)
  monotonic += 500
  // Read a little apart, and coarsely.
  uptime += 900
  assert.equal(clock.now(), 1_500)
  uptime += 60_000
  monotonic += 2
  const ahead = 60_398
  assert.equal(clock.now(), 1_502 + ahead)
  uptime -= 2_000
  monotonic += 2
  assert.equal(clock.now(), 1_504 + ahead)
  monotonic += 100
  assert.equal(clock.now(), 1_604 + ahead)
})

test('on this machine the lease clock runs with the monotonic one', () => {
  const clock = new LeaseClock()
  const apart = clock.now() - performance.now()
  assert.ok(Math.abs(apart) < 5, `${apart} ms apart`)
})
