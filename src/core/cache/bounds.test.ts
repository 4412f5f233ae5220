import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf } from './describe.ts'
import { cacheLimits } from './limits.ts'
import { applyAll, k, l, outcomeOf, ownWrite, read, set, stateAt, write } from './scenario.ts'
import { World } from './testkit.ts'
import { agentId } from './types.ts'

const { leaseMs, marginMs, flushMs, snoopPatienceMs, renewMs } = cacheLimits
/** From when the home has answered it for the last time. */
const oneLeaseMs = leaseMs + marginMs

/** A has the line in that state, renews as it should, and B wants to write. */
function holder(state: string): World {
  const world = new World()
  if (state === 'E') assert.equal(read(world, 'A'), 'absent')
  else assert.equal(write(world, 'A', set('0')), 'done')
  if (state === 'S') assert.equal(read(world, 'B'), '0')
  assert.equal(stateAt(world, 'A'), state)
  assert.equal(read(world, 'B', l), 'absent')
  world.run(3 * renewMs)
  world.renew('A')
  return world
}

/** Nothing that A says or is told arrives, and everything else does at once; the home looks at what is due every millisecond. */
function pass(world: World, ms: number): void {
  for (let passed = 0; passed < ms; passed++) {
    world.pass(1)
    world.tickHome()
    world.tickAgent('B')
    while (world.letters.length > 0 || world.log.length > 0) {
      for (const one of world.letters.slice())
        if ((one.type === 'to-home' ? one.from : one.to) === agentId('B')) world.deliver(one)
        else world.drop(one)
      applyAll(world)
    }
  }
}

for (const state of ['M', 'E', 'S'])
  test(`rule 7: a writer waits for a silent agent that has the line in ${state} until one lease and its margin are over, and not for a moment longer`, () => {
    const world = holder(state)
    world.agents.delete(agentId('A'))
    const id = world.write('B', k, set('1'))
    pass(world, oneLeaseMs - 1)
    assert.equal(outcomeOf(world, id), '…')
    pass(world, 1)
    assert.equal(outcomeOf(world, id), 'done')
  })

test('rule 7: a writer that comes late waits for what is left of that lease', () => {
  const world = holder('M')
  world.agents.delete(agentId('A'))
  pass(world, oneLeaseMs - 10)
  const id = world.write('B', k, set('1'))
  pass(world, 9)
  assert.equal(outcomeOf(world, id), '…')
  pass(world, 1)
  assert.equal(outcomeOf(world, id), 'done')
})

test('decision C13: a writer waits for an agent that renews and answers no snoop for the patience of the home and one lease', () => {
  const world = holder('M')
  const id = world.write('B', k, set('1'))
  let waitedMs = 0
  for (; waitedMs < 5_000 && outcomeOf(world, id) === '…'; waitedMs++) {
    world.renew('A')
    pass(world, 1)
  }
  assert.ok(waitedMs > oneLeaseMs && waitedMs <= snoopPatienceMs + oneLeaseMs + 1, `${waitedMs} ms`)
})

test('decision C13: an agent that answers for one key and never for another is renewed no more', () => {
  const world = new World({ agents: ['A', 'B', 'C'] })
  for (const key of [k, l]) {
    world.write('B', key, set('0'))
    world.settle()
  }
  const id = world.write('A', k, set('1'))
  const deliverAll = (): void => {
    for (let [one] = world.letters; one !== undefined || world.log.length > 0; [one] = world.letters) {
      if (one === undefined) world.apply()
      else if (one.type === 'to-agent' && one.message.type === 'snoop' && one.message.key === k) world.drop(one)
      else world.deliver(one)
    }
  }
  let waitedMs = 0
  for (; waitedMs < 5_000 && outcomeOf(world, id) === '…'; waitedMs += 10) {
    // Each of these takes the line of the other key from B, which answers, renews its lease at once, and takes it back.
    if (waitedMs % 100 === 0) for (const name of ['C', 'B']) world.write(name, l, set(String(waitedMs)))
    deliverAll()
    world.renew('B')
    deliverAll()
    world.pass(10)
    world.tickHome()
    for (const name of ['A', 'B', 'C']) world.tickAgent(name)
  }
  assert.ok(waitedMs <= snoopPatienceMs + oneLeaseMs + 20, `${waitedMs} ms`)
})

test('what was written at the level owner is on its way to memory after the flush window, however often it is written again', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  const inMemory = (): string => textOf(world.memory.state.find(k)?.value ?? null)
  let written = 0
  for (let ms = 1; ms <= 10 * flushMs; ms++) {
    assert.ok(ownWrite(world, 'A', String(ms)))
    written = ms
    world.pass(1)
    if (ms % renewMs === 0) world.renew('A')
    world.tickAgent('A')
    world.settle()
    assert.ok(written - Number(inMemory()) < flushMs, `${inMemory()} in memory after ${written}`)
  }
  assert.ok(Number(inMemory()) > 8 * flushMs)
})

test('what is lost with a lease is counted, and is what was written in the flush window', () => {
  const world = new World({ limits: { lingerMs: 0 } })
  for (const key of [k, l]) {
    world.write('A', key, set('0'))
    world.settle()
  }
  assert.ok(ownWrite(world, 'A', '1'))
  world.pass(flushMs)
  world.tickAgent('A')
  world.settle()
  for (const key of [k, l]) assert.ok(ownWrite(world, 'A', '2', key) && ownWrite(world, 'A', '3', key))
  world.pass(oneLeaseMs)
  world.tickHome()
  world.letters = []
  world.tickAgent('A')
  world.settle()
  assert.deepEqual([world.agent('A').state.counters.lost, read(world, 'B'), read(world, 'B', l)], [2, '1', '0'])
})
