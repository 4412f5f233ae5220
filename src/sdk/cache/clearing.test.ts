import { rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { Asking } from './asking.ts'
import { Clearing } from './clearing.ts'

test('a clear whose time is over before a slot was asked does not resolve as if it were done', async () => {
  const scheduler = new Scheduler()
  const clock = new Machine('n', scheduler, { touched() {} })
  const asking = new Asking({ clock, prng: new Prng(1) }, 1_000)
  const clearing = new Clearing({ clock, prng: new Prng(1), asking, slots: () => 2, lineTo: () => null })
  const terms = asking.terms({ timeoutMs: 1 })
  scheduler.run(scheduler.now + 5, () => {})
  await rejects(clearing.clear('space', terms), { code: 'unknown' })
})
