import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { runtimeLimits } from './limits.ts'
import { Loop } from './loop.ts'

function looping(): { readonly loop: Loop; readonly seen: string[]; readonly run: () => void } {
  const scheduler = new Scheduler()
  const seen: string[] = []
  const loop = new Loop(new Machine('n', scheduler, { touched() {} }), () => seen.push('end'))
  return { loop, seen, run: () => scheduler.run(scheduler.now + 1, () => {}) }
}

test('what arrives together shares one end of turn; what is posted meanwhile belongs to the next turn', () => {
  const { loop, seen, run } = looping()
  loop.post(() => {
    seen.push('a')
    loop.post(() => seen.push('c'))
  })
  loop.post(() => seen.push('b'))
  deepEqual(seen, [])
  run()
  deepEqual(seen, ['a', 'b', 'end', 'c', 'end'])
})

test('a turn taken at once brings all that was posted, and leaves no empty one behind', () => {
  const { loop, seen, run } = looping()
  loop.post(() => seen.push('a'))
  loop.turn()
  deepEqual(seen, ['a', 'end'])
  run()
  deepEqual(seen, ['a', 'end'])
  loop.turn()
  deepEqual(seen, ['a', 'end', 'end'])
})

test('after a stop nothing runs, and the turn it came in is not closed', () => {
  const { loop, seen, run } = looping()
  loop.post(() => loop.stop())
  run()
  equal(seen.length, 0, 'a stop as the last task of its turn')
  loop.post(() => seen.push('late'))
  run()
  equal(seen.length, 0)
  const other = looping()
  other.loop.post(() => other.loop.stop())
  other.loop.post(() => other.seen.push('behind'))
  other.run()
  deepEqual(other.seen, [])
})

test('a loop with more work than its limit says so until the work is done', () => {
  const { loop, run } = looping()
  for (let tasks = 0; tasks <= runtimeLimits.inboxMax; tasks++) loop.post(() => {})
  equal(loop.overloaded, true)
  run()
  equal(loop.overloaded, false)
})
