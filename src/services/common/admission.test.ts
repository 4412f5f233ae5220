import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import { Prng } from '#base/prng.ts'
import { overloadLimits } from '#core/overload/limits.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import type { Way } from './admission.ts'
import { Admission } from './admission.ts'

const { commands } = overloadLimits

class Scene {
  readonly scheduler = new Scheduler()
  readonly machine = new Machine('n1', this.scheduler, { touched: () => {} })
  readonly counted: string[] = []
  readonly admission = new Admission({
    clock: this.machine,
    prng: new Prng(5),
    telemetry: { count: (name, { reason = '' }) => void this.counted.push(`${name} ${reason}`) },
  })

  run(ms: number): void {
    this.scheduler.run(this.scheduler.now + ms, () => {})
  }

  /** Commands that each take so long, so many at a time. */
  busy(way: Way, tookMs: number, forMs: number): void {
    for (let passed = 0; passed < forMs; passed += 50) {
      this.run(50)
      way.end(millis(way.begin() - tookMs), true)
    }
  }
}

const refusals = (times: number, ask: () => unknown): number => Array.from({ length: times }, ask).filter((fault) => fault !== null).length

test('new work is refused where commands wait for long, and nowhere else', () => {
  const scene = new Scene()
  const [slow, quick] = [scene.admission.way(), scene.admission.way()]
  for (let open = 0; open < commands.openFreeMin; open++) slow.begin()
  scene.busy(slow, 2_000, 2_000)
  ok(refusals(100, () => slow.refusal()) > 80)
  equal(
    refusals(100, () => quick.refusal()),
    0,
  )
  equal(
    refusals(100, () => scene.admission.refusal(1_000)),
    0,
  )
  deepEqual([...new Set(scene.counted)], ['lockstep_shed_total commands'])
  deepEqual(
    [...new Set(Array.from({ length: 100 }, () => slow.refusal()?.code))].filter((code) => code !== undefined),
    ['overloaded'],
  )
})

test('a slow machine with little under way refuses nothing', () => {
  const scene = new Scene()
  const way = scene.admission.way()
  for (let open = 1; open < commands.openFreeMin; open++) way.begin()
  scene.busy(way, 5_000, 3_000)
  equal(
    refusals(100, () => way.refusal()),
    0,
  )
})

test('that nobody leads is no overload', () => {
  const scene = new Scene()
  const way = scene.admission.way()
  const since = Array.from({ length: 200 }, () => way.begin())
  scene.run(5_000)
  for (const each of since.slice(0, 100)) {
    scene.run(10)
    way.end(each, false)
  }
  equal(
    refusals(100, () => way.refusal()),
    0,
  )
})

test('turns of the event loop that are late count as waiting', () => {
  const scene = new Scene()
  scene.admission.start()
  scene.run(1_000)
  equal(
    refusals(100, () => scene.admission.refusal(1_000)),
    0,
  )
  // Every turn takes so long that the next one is late.
  for (let turn = 0; turn < 20; turn++) {
    scene.machine.pause()
    scene.run(400)
    scene.machine.resume()
  }
  ok(refusals(100, () => scene.admission.refusal(1_000)) > 50)
  equal(
    refusals(100, () => scene.admission.refusal(1)),
    0,
  )
  deepEqual([...new Set(scene.counted)], ['lockstep_shed_total turns'])
  scene.run(5_000)
  equal(
    refusals(100, () => scene.admission.refusal(1_000)),
    0,
  )
  scene.admission.stop()
})
