import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import type { Answer } from '#core/cache/agent-state.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { LockstepError } from '#sdk/errors.ts'
import { sdkLimits } from '#sdk/limits.ts'
import { Asking } from './asking.ts'
import type { Asked } from './asking.ts'

const refused: Answer = { type: 'changed', id: 1, outcome: { type: 'refused', code: 'too_many_requests' }, invalidated: 0 }
const carriedOut: Answer = { type: 'changed', id: 1, outcome: { type: 'refused', code: 'memory_full' }, invalidated: 0 }

/** Calls whose home says what it is told to. */
class Scene {
  readonly scheduler = new Scheduler()
  readonly asking = new Asking({ clock: new Machine('n', this.scheduler, { touched() {} }), prng: new Prng(1) }, 5_000)
  /** When it was asked. */
  readonly times: number[] = []
  says: (attempt: number) => Answer | null = () => refused

  ask(): Promise<Asked> {
    return this.asking.ask(this.asking.terms(), (done) => {
      this.times.push(this.scheduler.now)
      const answer = this.says(this.times.length)
      if (answer !== null) done(answer)
      return () => false
    })
  }

  /** What a call has come to after so long; null while it is open. */
  async after(ms: number, asked: Promise<Asked>): Promise<Asked | null> {
    this.scheduler.run(this.scheduler.now + ms, () => {})
    return Promise.race([asked, new Promise<null>((resolve) => void setImmediate(resolve, null))])
  }
}

test('what a home has too much to do for is asked for again, later each time, until it is done', async () => {
  const scene = new Scene()
  scene.says = (attempt) => (attempt <= 3 ? refused : carriedOut)
  equal(await scene.after(4_000, scene.ask()), carriedOut)
  const rests = scene.times.slice(1).map((at, index) => at - (scene.times[index] ?? 0))
  deepEqual(
    rests.map((rest, index) => rest >= 50 * 2 ** index && rest <= 100 * 2 ** index + 1),
    [true, true, true],
  )
})

test('a call that is refused for as long as it has time ends as it was refused', async () => {
  const scene = new Scene()
  equal(await scene.after(5_000, scene.ask()), refused)
})

test('one that is given up while it waits to be asked for again was certainly not carried out', async () => {
  const scene = new Scene()
  const closed = new LockstepError('closed', 'this cache was closed')
  const asked = scene.ask()
  scene.asking.close(closed)
  deepEqual(await scene.after(5_000, asked), { type: 'over', unsent: true, error: closed })
  equal(scene.times.length, 1)
})

test('one that was asked for again and not answered may have been carried out', async () => {
  const scene = new Scene()
  scene.says = (attempt) => (attempt === 1 ? refused : null)
  deepEqual(await scene.after(5_001, scene.ask()), { type: 'over', unsent: false, error: null })
})

test('when all is refused most calls end so at once, and are not asked for again and again', async () => {
  const scene = new Scene()
  const calls = Array.from({ length: 200 }, () => scene.ask())
  const ended = await Promise.all(calls.map((call) => scene.after(0, call)))
  equal(ended.filter((answer) => answer === refused).length, 200 - (sdkLimits.retryTokens / 2 - 1))
})
