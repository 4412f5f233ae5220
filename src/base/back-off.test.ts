import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from './prng.ts'
import { BackOff } from './back-off.ts'

test('waits grow from none to two seconds, with jitter, and start anew only after a connection that held', () => {
  const backOff = new BackOff(new Prng(1))
  const waits = Array.from({ length: 12 }, () => backOff.next())
  assert.equal(waits[0], 0)
  for (const [failures, ceiling] of [50, 100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000].entries()) {
    const wait = waits[failures + 1] as number
    assert(wait > ceiling / 2 && wait <= ceiling, `wait ${failures + 1} is ${wait}`)
  }
  assert.equal(new Set(waits.slice(7)).size, 5)
  backOff.heldFor(1_000)
  assert(backOff.next() > 1_000)
  backOff.heldFor(5_000)
  assert.equal(backOff.next(), 0)
})
