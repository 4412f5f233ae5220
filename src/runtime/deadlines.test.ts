import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import type { Millis } from '#base/brand.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { Deadlines } from './deadlines.ts'
import { runtimeLimits } from './limits.ts'

interface Item {
  readonly name: string
  readonly deadline: Millis
}

function waiting(then: (item: Item) => void = () => {}) {
  const scheduler = new Scheduler()
  const clock = new Machine('n', scheduler, { touched() {} })
  const ended: { readonly name: string; readonly lateMs: number }[] = []
  const deadlines = new Deadlines<Item>({ clock, post: (task) => clock.soon(task) }, (item) => {
    ended.push({ name: item.name, lateMs: clock.now() - item.deadline })
    then(item)
  })
  const add = (name: string, ms: number): Item => {
    const item = { name, deadline: millis(clock.now() + ms) }
    deadlines.add(item)
    return item
  }
  return { deadlines, add, ended, run: (ms: number) => scheduler.run(scheduler.now + ms, () => {}), scheduler }
}

test('a short time is kept although longer ones wait already', () => {
  const { add, ended, run } = waiting()
  add('long', 5_000)
  add('short', 100)
  run(150)
  deepEqual(
    ended.map(({ name }) => name),
    ['short'],
  )
  run(5_000)
  ok(ended.length === 2 && ended.every(({ lateMs }) => lateMs >= 0 && lateMs <= 2 * runtimeLimits.deadlineStepMs))
})

test('what has ended is not ended again, and what is drained is nobody else’s', () => {
  const { deadlines, add, ended, run } = waiting()
  const done = add('done', 100)
  add('drained', 100)
  equal(deadlines.delete(done), true)
  equal(deadlines.delete(done), false)
  deepEqual(
    deadlines.drain().map(({ name }) => name),
    ['drained'],
  )
  run(1_000)
  deepEqual(ended, [])
  equal(deadlines.size, 0)
})

test('who asks again at the end without any time left does not hold up the turn', () => {
  let asked = 0
  const { add, run, ended } = waiting(() => {
    if (asked++ < 1_000) add('again', 0)
  })
  add('first', 0)
  run(runtimeLimits.deadlineStepMs * 5)
  ok(ended.length > 1 && ended.length < 10)
})

test('thousands of different deadlines are looked at some hundred times a second', () => {
  const { add, run, scheduler } = waiting()
  for (let ms = 0; ms < 1_000; ms += 0.1) add('one', ms)
  const before = scheduler.count
  run(1_100)
  ok(scheduler.count - before < 300)
})
