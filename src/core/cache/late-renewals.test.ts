import assert from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import { textOf } from './describe.ts'
import { cacheLimits } from './limits.ts'
import { k, l, outcomeOf, ownWrite, read, set, write } from './scenario.ts'
import { World, other, theSlot } from './testkit.ts'
import { agentId } from './types.ts'

/** As an agent counts its lease, and as a home does. */
const leaseMs = cacheLimits.leaseMs - cacheLimits.marginMs
const closedMs = cacheLimits.leaseMs + cacheLimits.marginMs

/** A owns k, with a value at the level `owner`, and its lease is over; what it sent meanwhile is lost. */
function late(): World {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.ok(ownWrite(world, 'A', '1'))
  world.pass(closedMs + 100)
  world.tickHome()
  assert.equal(world.log.length, 0, 'nobody waits, so nothing is closed')
  return world
}

test('between a lease and its late renewal nothing is read or written here', () => {
  const world = late()
  const agent = world.agent('A')
  assert.equal(agent.getSync(k, other, world.now), undefined)
  assert.ok(!ownWrite(world, 'A', '2'))
  const asked = world.read('A', k)
  assert.equal(outcomeOf(world, asked), '…')
  assert.deepEqual(world.letters, [])
})

test('a renewal that comes late brings back what was under the lease, and nothing is lost', () => {
  const world = late()
  const waiting = world.read('A', k)
  world.renew('A')
  world.settle()
  assert.equal(outcomeOf(world, waiting), '1')
  assert.equal(world.agent('A').state.counters.lost, 0)
  assert.equal(read(world, 'B'), '1')
})

test('a write that is under way when the lease ends is carried out once, and not unknown', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  const added = world.write('A', k, set('1'))
  world.letters = []
  world.pass(closedMs)
  world.tickHome()
  world.renew('A')
  world.settle()
  assert.equal(outcomeOf(world, added), 'done')
  assert.equal(textOf(world.memory.state.find(k)?.value ?? null), '1')
})

test('somebody who waits for a line has its session closed as soon as the lease is over, and no later renewal helps', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.equal(read(world, 'B', l), 'absent')
  const started = world.now
  const silent = world.agent('A')
  world.agents.delete(agentId('A'))
  const waiting = world.write('B', k, set('2'))
  while (world.now < started + closedMs - 1) {
    world.renew('B')
    world.settle()
    world.pass(1)
    world.tickHome()
    assert.equal(world.log.length, 0)
  }
  world.pass(1)
  world.tickHome()
  assert.equal(world.log[0]?.command.type, 'close-session')
  world.agents.set(agentId('A'), silent)
  world.renew('A')
  world.settle()
  assert.equal(outcomeOf(world, waiting), 'done')
  assert.equal(world.agent('A').getSync(k, other, world.now), undefined)
})

test('a session that nobody waits for is given up after a while, by the home and by its agent', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.ok(ownWrite(world, 'A', '1'))
  const { lingerMs } = world.limits
  const slot = world.agent('A').state.slot(theSlot)
  world.now = millis(leaseMs + lingerMs - 1)
  world.tickAgent('A')
  assert.equal(slot.standing.type, 'open')
  world.pass(1)
  world.tickAgent('A')
  assert.deepEqual([slot.standing.type === 'open', world.agent('A').state.counters.lost], [false, 1])
  world.now = millis(closedMs + lingerMs - 1)
  world.tickHome()
  assert.equal(world.log.length, 0)
  world.pass(1)
  world.tickHome()
  assert.equal(world.log[0]?.command.type, 'close-session')
})

test('who meets another home when its lease is over goes on in its session, without what memory does not have', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.ok(ownWrite(world, 'A', '1'))
  const pending = world.write('A', l, set('2'))
  world.letters = []
  world.pass(leaseMs)
  world.changeHome(0)
  for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
  world.settle()
  assert.equal(outcomeOf(world, pending), 'done')
  assert.equal(world.agent('A').state.counters.lost, 1)
  assert.equal(read(world, 'B'), '0')
})
