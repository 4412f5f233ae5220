import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { SeedFinder } from './seed-finder.ts'

/** A finder on a simulated machine, and what it has found; `names` is what the name server says. */
function finding(seeds: readonly string[], names: Map<string, readonly string[]>) {
  const scheduler = new Scheduler()
  const clock = new Machine('n', scheduler, { touched() {} })
  const found: (readonly string[])[] = []
  const asked: string[] = []
  const lookUp = (host: string, done: (addresses: readonly string[]) => void): void => {
    asked.push(host)
    clock.soon(() => done(names.get(host) ?? []))
  }
  const finder = new SeedFinder({ clock, lookUp, post: (task) => clock.soon(task) }, seeds, (addresses) => found.push(addresses))
  finder.start()
  const run = (ms: number): void => scheduler.run(scheduler.now + ms, () => {})
  return { found, asked, finder, run }
}

test('all nodes behind a name are found, also those that come later, and none is told twice', () => {
  const names = new Map([['locks', ['10.0.0.2', '10.0.0.1']]])
  const { found, run } = finding(['locks:8001', '10.0.0.9:8001', 'unknown:1'], names)
  run(1_000)
  deepEqual(found, [['10.0.0.1:8001', '10.0.0.2:8001']])
  run(10_000)
  equal(found.length, 1)
  names.set('locks', ['10.0.0.3', '10.0.0.1'])
  names.set('unknown', ['10.0.0.7'])
  run(3_000)
  deepEqual(found.at(-1)?.toSorted(), ['10.0.0.1:8001', '10.0.0.3:8001', '10.0.0.7:1'])
  names.clear()
  const before = found.length
  run(10_000)
  equal(found.length, before, 'a name server that is gone takes nobody away')
})

test('addresses are not looked up, and nothing is when the cluster is found', () => {
  const numbers = finding(['10.0.0.9:8001', '127.0.0.1:1'], new Map())
  numbers.run(10_000)
  deepEqual(numbers.asked, [])
  const named = finding(['locks:8001'], new Map([['locks', ['10.0.0.1']]]))
  named.run(1_000)
  named.finder.stop()
  named.run(10_000)
  equal(named.asked.length, 1)
})
