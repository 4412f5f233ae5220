import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { textOf } from './describe.ts'
import { add, applyAll, deliver, k, l, letter, outcomeOf, ownWrite, read, set, write } from './scenario.ts'
import type { Letter } from './testkit.ts'
import { TestValue, World, describeLetter, other, own, theSlot } from './testkit.ts'
import { agentId, requestNumber } from './types.ts'

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

test('decision C7: numbers that are left out are of what their own writer has written over', () => {
  const world = owning()
  world.step('A', { type: 'flush' })
  const lost = letter(world, 'Flush 1')
  world.drop(lost)
  for (const text of ['2', '3']) assert.ok(ownWrite(world, 'A', text))
  const elsewhere = world.read('B', k)
  deliver(world, 'BusRd', 'Downgrade')
  assert.match(describeLetter(letter(world, 'snooped')), /had 3 \(grant \d+, 3\)/)
  world.settle()
  assert.equal(outcomeOf(world, elsewhere), '3')
  // What was lost comes after all.
  world.arrive(lost)
  world.settle()
  assert.deepEqual([read(world, 'A'), read(world, 'B')], ['3', '3'])
  assert.equal(world.agent('A').state.counters.lost, 0)
})

test('decision C7: numbers that are left out because their operations are late do not swallow those, nor have them carried out twice', () => {
  for (const kept of [null, 0, 1]) {
    const world = new World()
    assert.equal(write(world, 'A', set('0')), 'done')
    assert.equal(read(world, 'B', l), 'absent')
    const sum = world.write('A', k, add)
    const late = letter(world, 'add')
    world.drop(late)
    assert.ok(ownWrite(world, 'A', '7'))
    if (kept === null) {
      const elsewhere = world.read('B', k)
      deliver(world, 'BusRd', 'Downgrade')
      // The addition has the number 1.
      assert.match(describeLetter(letter(world, 'snooped')), /had 7 \(grant \d+, 2\)/)
      deliver(world, 'snooped')
      applyAll(world)
      deliver(world, 'B ← home')
      assert.deepEqual([outcomeOf(world, elsewhere), outcomeOf(world, sum)], ['7', '…'])
    } else {
      if (kept === 1) world.arrive(late)
      world.changeHome(kept)
      for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
      assert.match(describeLetter(letter(world, 'arrive')), /k=7/)
    }
    world.arrive(late)
    world.run(1_000)
    world.arrive(late)
    world.settle()
    // Where it was carried out before the home was gone, what was written after it is there; its outcome is told again.
    assert.deepEqual([outcomeOf(world, sum), read(world, 'B')], kept === 1 ? ['done 1', '7'] : ['done 8', '8'])
  }
})

test('decision C7: of one grant memory takes a later number, and nothing before that any more', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  const { grant } = present(world.agent('A').state.lines.byKey.get(k), 'A has the line')
  const { standing } = world.agent('A').state.slot(theSlot)
  assert.ok(standing.type === 'open')
  let number = world.agent('A').state.lastNumber
  const flush = (sequence: number): string => {
    const numbered = { number: requestNumber(++number), oldest: requestNumber(number) }
    const body = { type: 'flush', dirty: { grant, sequence, value: new TestValue(`${sequence}`) } } as const
    const message = { type: 'request', slot: theSlot, term: world.term, session: standing.session, ...numbered, key: k, body } as const
    world.homeDid(world.home, world.home.step({ type: 'message', from: agentId('A'), message }, world.now))
    applyAll(world)
    const { value, version } = present(world.memory.state.find(k), 'there is a value')
    return `${textOf(value)} ${version.sequence}`
  }
  assert.deepEqual([flush(5), flush(4), flush(5), flush(6)], ['5 5', '5 5', '5 5', '6 6'])
})

/** Millisecond after millisecond; `flight` is how long a message takes. When what was flushed left, and what each flush said. */
function flushesOf(
  world: World,
  { ms, flight, writes }: { ms: number; flight: number; writes: (at: number) => boolean },
): readonly string[] {
  const flushes: string[] = []
  const from = world.now
  const due = new Map<Letter, number>()
  let value = 0
  for (let at = 0; at <= ms; at++) {
    if (at > 0) world.pass(1)
    if (writes(at)) assert.ok(ownWrite(world, 'A', String(++value)))
    world.tickAgent('A')
    world.tickHome()
    for (;;) {
      for (const sent of world.letters) {
        if (due.has(sent)) continue
        due.set(sent, world.now + flight)
        const { message } = sent
        if (message.type === 'request' && message.body.type === 'flush')
          flushes.push(`${world.now - from}: ${textOf(message.body.dirty.value)}`)
      }
      const next = world.letters.find((sent) => (due.get(sent) ?? 0) <= world.now)
      if (next === undefined && world.log.length === 0) break
      if (next === undefined) world.apply()
      else world.deliver(next)
    }
  }
  return flushes
}

/** A has the line, and memory what is in it. */
function owner(): World {
  const world = new World({ limits: { gapMs: 1e9 } })
  assert.equal(write(world, 'A', set('0')), 'done')
  return world
}

test('what is written at the level owner is on its way to memory 100 ms later, and not before', () => {
  assert.deepEqual(flushesOf(owner(), { ms: 1_000, flight: 5, writes: (at) => at === 7 || at === 300 || at === 350 }), ['107: 1', '400: 3'])
})

test('what is written again and again at the level owner is on its way every 100 ms, and nothing waits for longer', () => {
  const flushes = flushesOf(owner(), { ms: 550, flight: 30, writes: () => true })
  assert.deepEqual(flushes, ['100: 101', '200: 201', '300: 301', '400: 401', '500: 501'])
})

test('what is written while a flush takes long is on its way as soon as that is answered', () => {
  const flushes = flushesOf(owner(), { ms: 500, flight: 75, writes: (at) => at <= 110 })
  assert.deepEqual(flushes, ['100: 101', '250: 111'])
})
