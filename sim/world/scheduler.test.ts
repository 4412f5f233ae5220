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

test('events happen in order of their time, and of being scheduled where times are equal', () => {
  const scheduler = new Scheduler()
  const told: string[] = []
  const say = (line: string) => (): void => void told.push(line)
  scheduler.at(2, () => {
    told.push('first at 2')
    scheduler.after(0, say('fourth at 2'))
    scheduler.soon(say('fifth at 2'))
    scheduler.at(1, say('sixth at 2, for 1 is over'))
  })
  scheduler.at(3, say('at 3'))
  scheduler.at(2, say('second at 2'))
  const cancel = scheduler.at(2, say('cancelled'))
  scheduler.at(1, cancel)
  scheduler.at(2, say('third at 2'))
  scheduler.run(3, () => {})
  assert.deepEqual(told, ['first at 2', 'second at 2', 'third at 2', 'fourth at 2', 'fifth at 2', 'sixth at 2, for 1 is over', 'at 3'])
  assert.equal(scheduler.count, 8)
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

test('a timer that was cancelled while its process stood still is not called when that goes on', () => {
  const scheduler = new Scheduler()
  const machine = new Machine('n1', scheduler, { touched() {} })
  const called: string[] = []
  const cancel = machine.after(1, () => called.push('cancelled'))
  machine.after(1, () => called.push('kept'))
  machine.pause()
  scheduler.run(2, () => {})
  cancel()
  machine.resume()
  assert.deepEqual(called, ['kept'])
})

test('what a process begins after its crash does not happen in the next one', () => {
  const scheduler = new Scheduler()
  const machine = new Machine('n1', scheduler, { touched() {} })
  const happened: string[] = []
  const dead = machine.process()
  machine.crash()
  dead.soon(() => happened.push('soon'))
  dead.after(1, () => happened.push('after'))
  machine.process().after(1, () => happened.push('next'))
  scheduler.run(10, () => {})
  assert.deepEqual(happened, ['next'])
})
