import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { wallMillis } from '#base/brand.ts'
import type { ApplyContext, StateMachine } from './state-machine.ts'
import { Machine } from '#sim/world/machine.ts'
import { Scheduler } from '#sim/world/scheduler.ts'
import { add, timing, World } from '#test/harness/runtime-world.ts'
import { WallClockWatch } from './wall-clock-watch.ts'

function watching(theirs: Record<string, readonly number[]>) {
  const scheduler = new Scheduler()
  const clock = new Machine('a', scheduler, { touched() {} })
  const watch = new WallClockWatch(clock)
  const hear = (peer: string, offset: number): void => watch.heard(peer, wallMillis(clock.wall() + offset))
  for (const [peer, offsets] of Object.entries(theirs)) for (const offset of offsets) hear(peer, offset)
  return { watch, hear, run: (ms: number) => scheduler.run(scheduler.now + ms, () => {}) }
}

const verdict = (theirs: Record<string, readonly number[]>): string => watching(theirs).watch.verdict

test('decision R5: a clock is judged by the median of all clocks, which one bad one does not move', () => {
  equal(verdict({}), 'good')
  equal(verdict({ b: [0], c: [0] }), 'good')
  equal(verdict({ b: [5], c: [600_000] }), 'good')
  equal(verdict({ b: [-2_000], c: [-2_000] }), 'suspicious')
  equal(verdict({ b: [600_000], c: [600_000] }), 'unfit')
  equal(verdict({ b: [-600_000], c: [-600_000] }), 'unfit')
})

test('decision R5: who knows only one other clock cannot tell which one is wrong and is not barred', () => {
  equal(verdict({ b: [600_000] }), 'suspicious')
  equal(verdict({ b: [-600_000] }) === 'unfit', false)
})

test('a clock that was not heard for long does not count', () => {
  const { watch, hear, run } = watching({ b: [600_000], c: [600_000] })
  run(4_000)
  hear('b', 600_000)
  equal(watch.verdict, 'unfit')
  run(2_000)
  equal(watch.verdict, 'suspicious')
})

test('a message that was long on its way does not make a clock look slow', () => {
  equal(verdict({ b: [0, -30_000], c: [0, -30_000] }), 'good')
})

test('who has left is forgotten', () => {
  const { watch } = watching({ b: [600_000], c: [600_000] })
  watch.keepOnly(new Set(['b']))
  equal(watch.aheadMs, -600_000)
  watch.keepOnly(new Set())
  equal(watch.aheadMs, 0)
})

/** Keeps the stamps of the entries it applied. */
class StampKeeper implements StateMachine {
  readonly stamps: ApplyContext[] = []

  apply(_command: Uint8Array, context: ApplyContext): Uint8Array {
    this.stamps.push(context)
    return new Uint8Array(0)
  }
  query(): Uint8Array {
    return new Uint8Array(0)
  }
  *snapshot(): Iterable<Uint8Array> {}
  restore(): void {}
  readonly bodies = null
}

test('decision R5: a leader whose wall clock jumps ten minutes ahead hands over, and machine time does not jump', () => {
  const machines = new Map<number, StampKeeper>()
  let made = 0
  const world = new World({
    names: ['a', 'b', 'c'],
    machineFor: () => {
      const machine = new StampKeeper()
      machines.set(made++, machine)
      return machine
    },
  })
  world.found(1)
  const first = world.elect(1)
  world.propose(first, 1, [add(1)])
  world.run(100)
  world.get(first).machine.jumpWall(600_000)
  world.until('another node leads', () => world.leaders(1).length === 1 && !world.leaders(1).includes(first), 5_000)
  const second = world.elect(1)
  world.propose(second, 1, [add(1)])
  world.run(500)
  const [stamps = []] = [...machines.values()].map((machine) => machine.stamps)
  const [before, after] = stamps
  equal(stamps.length, 2)
  equal((after?.time ?? 0) - (before?.time ?? 0) <= world.scheduler.now, true, 'only as much has passed as did')
  equal((after?.wall ?? 0) - (before?.wall ?? 0) < 60_000, true, 'the wall stamp is that of the good clocks')
})

test('decision R5: when the node whose clock is wrong dies, the others are not barred by what they remember of it', () => {
  const world = new World({ names: ['a', 'b', 'c'] })
  world.found(1)
  const first = world.elect(1)
  world.get(first).machine.jumpWall(600_000)
  world.run(300)
  world.crash(first)
  world.until('another node leads', () => world.leaders(1).some((name) => name !== first), 4 * timing.electionMaxMs)
})

test('decision R5: a follower whose wall clock is wrong is not elected when its leader dies, though it has mostly heard that one', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const world = new World({ names: ['a', 'b', 'c'], seed })
    world.found(1)
    const leader = world.elect(1)
    const [wrong = '', right = ''] = ['a', 'b', 'c'].filter((name) => name !== leader)
    world.get(wrong).machine.jumpWall(-600_000)
    world.run(15_000)
    const [before] = world.leaders(1)
    if (before !== leader) continue
    world.crash(leader)
    world.until('another leads', () => world.leaders(1).length > 0, 4_000)
    deepEqual(world.leaders(1), [right], `seed ${seed}`)
  }
})
