import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { k, outcomeOf, ownWrite, read, set, stateAt, write } from './scenario.ts'
import { World, theSlot } from './testkit.ts'
import { agentId } from './types.ts'

/** The transactions that are drawn in docs/cache-protocol.md, message by message. */

/** What happens from here on, without the texts of values and versions. */
function traced(world: World, happens: () => void): readonly string[] {
  const trace: string[] = []
  world.trace = trace
  happens()
  world.trace = null
  return trace.map((line) => line.replaceAll(/ ?\([^)]*\)/g, ''))
}

const states = (world: World): string => `${stateAt(world, 'A')}${stateAt(world, 'B')}`

/** B owns the line, A has a session and no line. */
function owned(): World {
  const world = new World()
  equal(read(world, 'A'), 'absent')
  equal(write(world, 'B', set('0')), 'done')
  equal(states(world), 'IM')
  return world
}

test('drawn: a read where another owns the line and memory has its value', () => {
  const world = owned()
  deepEqual(
    traced(world, () => read(world, 'A')),
    [
      'A reads k',
      'home ← A #2 k BusRd',
      'B ← home Downgrade k up to 4, memory has 1.3.0',
      'home ← B snooped k up to 4: kept',
      'A ← home #2 k S by grant 5: 0',
      'A answers 3: 0',
    ],
  )
  equal(states(world), 'SS')
})

test('drawn: a read where another has written at the level owner', () => {
  const world = owned()
  ownWrite(world, 'B', '1')
  deepEqual(
    traced(world, () => read(world, 'A')),
    [
      'A reads k',
      'home ← A #2 k BusRd',
      'B ← home Downgrade k up to 4, memory has 1.3.0',
      'home ← B snooped k up to 4: gone, had 1',
      'home ← B #2 k Flush 1',
      'applied flush k: 1',
      'A ← home #2 k E by grant 5: 1',
      'A answers 3: 1',
      'B ← home #2 k flushed up to 1 of grant 3',
    ],
  )
  equal(states(world), 'EI')
})

test('drawn: a write to a shared line', () => {
  const world = owned()
  read(world, 'A')
  equal(states(world), 'SS')
  deepEqual(
    traced(world, () => write(world, 'A', set('1'))),
    [
      'A wants k: set 1',
      'home ← A #3 k BusRdX set 1',
      'B ← home Invalidate k up to 6',
      'home ← B snooped k up to 6: gone',
      'applied write k: set 1 for #3',
      'A ← home #3 k done; M by grant 7: 1',
      'A answers 4: done',
    ],
  )
  equal(states(world), 'MI')
})

test('drawn: writes at the level owner, and their flush', () => {
  const world = new World()
  equal(read(world, 'A'), 'absent')
  equal(states(world), 'EI')
  const trace = traced(world, () => {
    for (const text of ['1', '2']) world.write('A', k, set(text), { ack: 'owner' })
    equal(states(world), 'MI')
    world.run(200)
  })
  deepEqual(withoutTime(trace), [
    'A wants k: set 1',
    'A answers 2: done',
    'A wants k: set 2',
    'A answers 3: done',
    'home ← A #2 k Flush 2',
    'applied flush k: 2',
    'A ← home #2 k flushed up to 2 of grant 1',
  ])
  equal(states(world), 'MI')
})

test('drawn: a change of home', () => {
  const world = new World({ agents: ['A', 'B', 'C'] })
  for (const name of ['C', 'B', 'A']) equal(write(world, name, set('0')), 'done')
  ownWrite(world, 'A', '1')
  let asked = 0
  const trace = traced(world, () => {
    world.changeHome(0)
    for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
    asked = world.read('B', k)
    // C says nothing any more.
    world.agents.delete(agentId('C'))
    world.run(1_200, () => world.home.state.phase === 'open')
  })
  deepEqual(
    [...new Set(withoutTime(trace))],
    [
      'home changes to term 2',
      'A learns of term 2',
      'B learns of term 2',
      'B reads k',
      'home ← A arrive k=1',
      'home ← B arrive',
      'B ← home welcome',
      'home ← B #2 k BusRd',
      'applied push k: 1',
      'A ← home welcome',
      'applied close session 1',
      'B ← home #2 k E by grant 1: 1',
      'B answers 4: 1',
    ],
  )
  equal(outcomeOf(world, asked), '1')
})

/** Nor the renewals of leases. */
const withoutTime = (trace: readonly string[]): readonly string[] =>
  trace.filter((line) => !line.startsWith('time is') && !/ renew(?:ed)?$/.test(line))
