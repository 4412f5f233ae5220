import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { LockstepError } from '#sdk/errors.ts'
import { CountedClock } from '#sim/world/counted-clock.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { Asking } from './asking.ts'
import { Clearing } from './clearing.ts'
import type { CacheLine } from './links.ts'

test('a clear whose time is over before a slot was asked does not resolve as if it were done', async () => {
  const scheduler = new Scheduler()
  const clock = new Machine('n', scheduler, { touched() {} })
  const asking = new Asking({ clock, prng: new Prng(1) }, 1_000)
  const clearing = new Clearing({ clock, prng: new Prng(1), asking, slots: () => 2, lineTo: () => null })
  const terms = asking.terms({ timeoutMs: 1 })
  scheduler.run(scheduler.now + 5, () => {})
  await rejects(clearing.clear('space', terms), { code: 'unknown' })
})

/** What becomes of a clear whose slots answer so, in turn; and how often each was asked. */
async function cleared(...answers: readonly (readonly string[])[]): Promise<{ readonly code: string; readonly asked: readonly number[] }> {
  const scheduler = new Scheduler()
  const clock = new Machine('n', scheduler, { touched() {} })
  const asking = new Asking({ clock, prng: new Prng(1) }, 10_000)
  const asked = answers.map(() => 0)
  const line = {
    link: {
      send: ({ call, slot }: { readonly call: number; readonly slot: number }) => {
        const code = answers[slot - 1]?.[asked[slot - 1] ?? 0] ?? 'cleared'
        asked[slot - 1] = (asked[slot - 1] ?? 0) + 1
        const answer = code === 'cleared' ? ({ type: 'cleared', call } as const) : ({ type: 'failed', call, code, message: 'why' } as const)
        scheduler.after(1, () => clearing.answered(line, answer))
      },
    },
  } as unknown as CacheLine
  const clearing = new Clearing({ clock, prng: new Prng(1), asking, slots: () => answers.length, lineTo: () => line })
  const outcome = { code: '' }
  void clearing.clear('space', asking.terms()).then(
    () => (outcome.code = 'cleared'),
    (error: { readonly code: string }) => (outcome.code = error.code),
  )
  for (let ms = 0; ms < 12_000 && outcome.code === ''; ms += 10) {
    scheduler.run(scheduler.now + 10, () => {})
    await new Promise((resolve) => void setImmediate(resolve))
  }
  return { ...outcome, asked }
}

test('a slot that certainly was not cleared is asked again, and who cannot be is not taken for all of them', async () => {
  deepEqual(await cleared([], ['overloaded', 'rate_limited', 'no_leader']), { code: 'cleared', asked: [1, 4] })
  equal((await cleared([], ['forbidden'])).code, 'unknown', 'the other one is empty')
  equal((await cleared(['forbidden'], ['forbidden'])).code, 'forbidden')
  deepEqual(await cleared(['unknown'], []), { code: 'unknown', asked: [1, 1] })
})

test('nothing is left of a clear that rests when its cache is closed', async () => {
  const scheduler = new Scheduler()
  const clock = new Machine('n', scheduler, { touched() {} })
  const timers = new CountedClock(clock)
  const asking = new Asking({ clock, prng: new Prng(1) }, 10_000)
  const clearing = new Clearing({ clock: timers, prng: new Prng(1), asking, slots: () => 1, lineTo: () => null })
  const ended = rejects(clearing.clear('space', asking.terms()), { code: 'closed' })
  await new Promise((resolve) => void setImmediate(resolve))
  equal(timers.owed, 1)
  const error = new LockstepError('closed', 'this cache was closed')
  asking.close(error)
  clearing.close(error)
  equal(timers.owed, 0)
  await ended
})
