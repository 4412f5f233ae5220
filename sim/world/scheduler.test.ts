import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Machine } from './machine.ts'
import { Scheduler } from './scheduler.ts'

test('a loop that never lets time pass is reported, not waited for', () => {
  const scheduler = new Scheduler()
  const again = (): void => {
    scheduler.after(0, again)
  }
  again()
  assert.throws(() => scheduler.run(1, () => {}), /time stands still/)
})

test('a timer set for less than the rounding of virtual time lets time pass all the same', () => {
  const scheduler = new Scheduler()
  const machine = new Machine('n1', scheduler, { touched() {} })
  scheduler.run(262_108.639, () => {})
  const before = scheduler.now
  machine.after(1e-12, () => {})
  scheduler.run(before + 1, () => assert.ok(scheduler.now > before))
  assert.equal(scheduler.count, 1)
})
