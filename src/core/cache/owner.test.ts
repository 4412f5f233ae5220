import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf } from './describe.ts'
import { applyAll, deliver, k, l, outcomeOf, ownWrite, read, set, write } from './scenario.ts'
import { World, other, own } from './testkit.ts'

/** What is written at the level `owner`. */

/** A has the line with `0` in memory, and `1` at the level `owner`; B has a session. */
function owning(): World {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.equal(read(world, 'B', l), 'absent')
  assert.ok(ownWrite(world, 'A', '1'))
  return world
}

/** What A's handles can read at once: who wrote at the level `owner`, and another. */
const seen = (world: World): readonly string[] =>
  [own, other].map((by) => {
    const value = world.agent('A').getSync(k, by, world.now)
    return value === undefined ? 'asks' : textOf(value)
  })

test('decision C8: while a replicated write is pending its writer reads what it wrote before it at the level owner', () => {
  const world = owning()
  const pending = world.write('A', k, set('2'))
  assert.deepEqual(seen(world), ['1', 'asks'])
  const meanwhile = world.read('A', k, { by: own })
  assert.equal(outcomeOf(world, meanwhile), '1')
  deliver(world, 'home ← A #2')
  applyAll(world)
  assert.deepEqual(seen(world), ['1', 'asks'], 'also when memory has what is pending')
  assert.equal(outcomeOf(world, pending), '…')
  world.settle()
  assert.deepEqual([outcomeOf(world, pending), ...seen(world)], ['done', '2', '2'])
})

test('decision C8: who reads the key elsewhere while a replicated write is pending does not make its writer read anything older', () => {
  const world = owning()
  const pending = world.write('A', k, set('2'))
  const elsewhere = world.read('B', k)
  deliver(world, 'BusRd', 'Downgrade')
  const meanwhile = world.read('A', k, { by: own })
  deliver(world, 'snooped')
  applyAll(world)
  deliver(world, 'B ← home')
  assert.deepEqual([outcomeOf(world, elsewhere), ...seen(world)], ['1', 'asks', 'asks'])
  assert.equal(outcomeOf(world, meanwhile), '…')
  world.settle()
  assert.deepEqual([outcomeOf(world, pending), outcomeOf(world, meanwhile), ...seen(world)], ['done', '2', '2', '2'])
})

test('decision C8: what is written at the level owner while a replicated write is pending stays what its writer reads', () => {
  const world = owning()
  const pending = world.write('A', k, set('2'))
  assert.ok(ownWrite(world, 'A', '3'))
  deliver(world, 'home ← A #2')
  applyAll(world)
  deliver(world, 'A ← home')
  assert.deepEqual([outcomeOf(world, pending), ...seen(world)], ['done', '3', 'asks'])
  assert.equal(read(world, 'B'), '3')
})
