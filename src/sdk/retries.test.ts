import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import { Prng } from '#base/prng.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { sdkLimits } from './limits.ts'
import type { Refused } from './retries.ts'
import { Retries } from './retries.ts'

class Scene {
  readonly scheduler = new Scheduler()
  readonly machine = new Machine('client', this.scheduler, { touched: () => {} })
  readonly again: { readonly call: Refused; readonly at: number }[] = []
  readonly retries: Retries<Refused>

  constructor(seed = 1) {
    const ports = { clock: this.machine, prng: new Prng(seed) }
    this.retries = new Retries(ports, (call) => void this.again.push({ call, at: this.scheduler.now }))
  }

  run(ms: number): void {
    this.scheduler.run(this.scheduler.now + ms, () => {})
  }
}

const call = (more: Partial<Refused> = {}): Refused => ({
  deadline: millis(1e9),
  keeps: false,
  doubtful: false,
  refusals: 0,
  ...more,
})

test('what is refused for there being too much to do comes back later each time, and not together with others', () => {
  const scenes = Array.from({ length: 20 }, (_, seed) => new Scene(seed))
  const rests = scenes.map((scene) => {
    const one = call()
    return Array.from({ length: 7 }, () => {
      const before = scene.scheduler.now
      equal(scene.retries.rest(one, 'overloaded'), true)
      scene.run(sdkLimits.backOffMsMax + 20)
      return (scene.again.at(-1)?.at ?? 0) - before
    })
  })
  for (let attempt = 0; attempt < 7; attempt++) {
    const ceiling = Math.min(sdkLimits.backOffMsMax, sdkLimits.backOffMs * 2 ** attempt)
    const all = rests.map((rest) => rest[attempt] ?? 0)
    ok(Math.min(...all) >= ceiling / 2 - 1 && Math.max(...all) <= ceiling + 20, `${attempt}: ${all.join(' ')}`)
    ok(new Set(all.map(Math.round)).size > 5, 'all differ')
  }
})

test('what another node may do at once is asked for soon', () => {
  const scene = new Scene()
  equal(scene.retries.rest(call(), 'no_leader'), true)
  scene.run(sdkLimits.restMsMax + 20)
  equal(scene.again.length, 1)
})

test('a call that could only be made again after its deadline ends as it was refused', () => {
  const scene = new Scene()
  const deadline = millis(scene.machine.now() + 10)
  equal(scene.retries.rest(call({ deadline }), 'overloaded'), false)
  // Not so one that may have been carried out.
  equal(scene.retries.rest(call({ deadline, doubtful: true }), 'overloaded'), true)
})

test('when all calls are refused they are not made again, but for what keeps or gives back', () => {
  const scene = new Scene()
  const outcomes = Array.from({ length: 1_000 }, () => scene.retries.rest(call(), 'overloaded'))
  equal(outcomes.filter(Boolean).length, sdkLimits.retryTokens / 2 - 1)
  equal(scene.retries.rest(call({ keeps: true }), 'overloaded'), true)
  equal(scene.retries.rest(call(), 'no_leader'), true)
})

test('after such a time nothing is made again while a tenth of all calls is refused', () => {
  const scene = new Scene()
  for (let each = 0; each < 1_000; each++) scene.retries.rest(call(), 'overloaded')
  let again = 0
  for (let each = 0; each < 10_000; each++) {
    scene.retries.done()
    scene.retries.done()
    if (scene.retries.rest(call(), 'overloaded')) again++
  }
  equal(again, 0)
  for (let each = 0; each < 1_000; each++) scene.retries.done()
  deepEqual(
    [1, 2, 3].map(() => scene.retries.rest(call(), 'overloaded')),
    [true, true, true],
  )
})
