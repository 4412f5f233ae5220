import assert from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import type { MemoryCommand, MemoryContext } from './commands.ts'
import { textOf } from './describe.ts'
import type { Capacity } from './memory-state.ts'
import { keyIn } from './memory-state.ts'
import { Memory } from './memory.ts'
import { add, always, l, outcomeOf, ownWrite, read, set, stateAt, write, k } from './scenario.ts'
import { TestValue, World, theSlot } from './testkit.ts'
import type { Key, Version } from './types.ts'
import { agentId, cacheKey, grant, homeTerm } from './types.ts'

test('decision C11: eviction is in the log, and is a delete for everybody', () => {
  const world = new World({ limits: { memoryBytesMax: 200 } })
  for (const name of ['one', 'two', 'three', 'four']) {
    world.write('A', cacheKey(name), set(name))
    world.settle()
  }
  world.run(1_000)
  assert.ok(world.memory.state.bytes <= 200)
  const left = [...world.memory.state.records.keys()]
  assert.ok(left.length > 0 && left.length < 4)
  for (const name of ['one', 'two', 'three', 'four'])
    assert.equal(stateAt(world, 'A', cacheKey(name)), left.includes(cacheKey(name)) ? 'M' : 'I', 'what is evicted is taken back first')
  for (const name of ['one', 'two', 'three', 'four'])
    assert.equal(read(world, 'B', cacheKey(name)), left.includes(cacheKey(name)) ? name : 'absent')
})

test('decision C11: eviction takes what was not touched, and what somebody has only when all else is gone', () => {
  const world = new World({ agents: ['A', 'B', 'C'], limits: { memoryBytesMax: 600 } })
  const names = ['one', 'two', 'three', 'four', 'five', 'six']
  for (const name of names) {
    world.write('A', cacheKey(name), set(name))
    world.settle()
  }
  // From here on it is known what is touched; and nobody has anything any more.
  world.home.state.touched.clear()
  const leave = (name: string): void => {
    world.step(name, { type: 'leave' })
    world.settle()
  }
  leave('A')
  for (const name of ['two', 'five']) assert.equal(read(world, 'B', cacheKey(name)), name)
  leave('B')
  assert.equal(read(world, 'C', cacheKey('one')), 'one')
  assert.deepEqual([...world.home.state.touched].toSorted(), ['five', 'one', 'two'])
  const leftWith = (bytesMax: number): readonly string[] => {
    world.capacity = { bytesMax, whenFull: 'lru' }
    world.memory.state.capacity = world.capacity
    world.tickHome()
    world.settle()
    return [...world.memory.state.records.keys()]
  }
  assert.deepEqual(leftWith(250), ['one', 'two', 'five'])
  assert.deepEqual(leftWith(100), ['one'])
  assert.equal(stateAt(world, 'C', cacheKey('one')), 'E', 'it was not recalled')
  assert.deepEqual(leftWith(0), [])
  assert.equal(stateAt(world, 'C', cacheKey('one')), 'I')
})

test('rule 15: a directory that is over its limit recalls the lines that nobody has asked for in the longest time, with what they owe', () => {
  const world = new World({ limits: { directoryMax: 2 } })
  const names = ['one', 'two', 'three', 'four']
  for (const name of names) {
    world.write('A', cacheKey(name), set('0'))
    world.settle()
  }
  for (const name of names) assert.ok(ownWrite(world, 'A', name, cacheKey(name)))
  // Who asks for one again makes it the newest.
  assert.equal(read(world, 'B', cacheKey('one')), 'one')
  assert.equal(world.home.state.directory.size, 4)
  world.tickHome()
  world.settle()
  assert.deepEqual([...world.home.state.directory.keys()], ['four', 'one'])
  assert.deepEqual(
    names.map((name) => stateAt(world, 'A', cacheKey(name))),
    ['I', 'I', 'I', 'M'],
  )
  const had = (name: string): string => textOf(world.memory.state.find(cacheKey(name))?.value ?? null)
  assert.deepEqual(names.map(had), ['one', 'two', 'three', '0'])
  world.tickHome()
  world.settle()
  assert.deepEqual([...world.home.state.directory.keys()], ['four', 'one'], 'what fits stays')
})

test('decision C11: what a home knows of keys that were touched is of those that have a value', () => {
  const world = new World({ limits: { memoryBytesMax: 1_000 } })
  assert.equal(write(world, 'A', set('x'.repeat(600))), 'done')
  for (let at = 0; at < 50; at++) {
    const [absent, churned] = [cacheKey(`absent${at}`), cacheKey(`churned${at}`)]
    read(world, 'B', absent)
    world.write('A', churned, set('0'))
    world.settle()
    world.write('A', churned, { type: 'delete', condition: always })
    world.settle()
  }
  assert.deepEqual([...world.home.state.touched], [k])
})

test('decision C11: a memory that refuses is never over its limit', () => {
  const world = new World({ limits: { memoryBytesMax: 150 }, whenFull: 'refuse' })
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.equal(write(world, 'A', set('x'.repeat(200))), 'memory_full')
  assert.equal(read(world, 'B'), '0')
})

test('decision C11: what a slot may have, and what is done when it is full, is in the log, and a new home that is told otherwise changes it', () => {
  const world = new World()
  const elect = (capacity: Capacity): void => {
    world.capacity = capacity
    world.changeHome(0)
    for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
    world.settle()
    world.run(1_000)
  }
  assert.equal(write(world, 'A', set('x'.repeat(60))), 'done')
  elect({ bytesMax: 150, whenFull: 'refuse' })
  assert.deepEqual(world.memory.state.capacity, world.capacity)
  const id = world.write('A', l, set('y'.repeat(60)))
  world.settle()
  assert.equal(outcomeOf(world, id), 'memory_full')

  const restored = new Memory(world.limits)
  assert.equal(restored.restore(Buffer.concat([...world.memory.snapshot()])), null)
  assert.deepEqual(restored.state.capacity, world.capacity, 'who gets a snapshot does as the others')

  elect({ bytesMax: 150, whenFull: 'lru' })
  const again = world.write('A', l, set('y'.repeat(60)))
  world.settle()
  assert.equal(outcomeOf(world, again), 'done')
  world.run(1_000)
  assert.ok(world.memory.state.bytes <= 150)
  assert.equal(world.home.state.proposals.size, 0, 'it is said once')
})

test('decision C11: what was cleared takes no memory, also where nothing is evicted', () => {
  const world = new World({ limits: { memoryBytesMax: 300 }, whenFull: 'refuse' })
  const [one, two] = [keyIn('n', 'one'), keyIn('n', 'two')]
  const put = (key: Key, size: number): string => {
    const id = world.write('A', key, set('x'.repeat(size)))
    world.settle()
    return outcomeOf(world, id)
  }
  assert.equal(put(one, 100), 'done')
  assert.equal(put(two, 100), 'memory_full')
  world.clear('n')
  world.settle()
  assert.equal(put(one, 100), 'done', 'its former value makes room for it')
  world.clear('n')
  world.settle()
  world.run(1_000)
  assert.equal(world.memory.state.bytes, 0)
  assert.equal(put(two, 100), 'done')
})

test('decision C11: no more is evicted at one time than others can do with', () => {
  const world = new World()
  for (let at = 0; at < 300; at++) world.write('A', cacheKey(`key ${at}`), set('0'))
  world.settle()
  world.capacity = { bytesMax: 0, whenFull: 'lru' }
  world.changeHome(0)
  for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
  world.settle()
  world.tickHome()
  world.settle()
  world.tickHome()
  const { keys } = world.home.state.leaving
  assert.ok(keys > 100 && keys <= 256, `${keys} leave at one time`)
  world.run(1_000)
  assert.deepEqual([world.memory.state.records.size, world.home.state.leaving], [0, { keys: 0, bytes: 0 }])
})

test('decision C11: memory that refuses does so for additions too', () => {
  const world = new World({ limits: { memoryBytesMax: 150 }, whenFull: 'refuse' })
  assert.equal(write(world, 'A', add), 'done 1')
  const outcomes = ['one', 'two', 'three'].map((name) => {
    const id = world.write('A', cacheKey(name), add)
    world.settle()
    return outcomeOf(world, id)
  })
  assert.deepEqual(outcomes.at(-1), 'memory_full')
  assert.ok(world.memory.state.bytes <= 150)
  assert.equal(write(world, 'A', add), 'done 2', 'what takes no more is taken')
})

test('decision C11: what an owner has written is not evicted unseen, after its namespace was cleared or where room is made', () => {
  const world = new World()
  const key = keyIn('n', 'one')
  world.write('A', key, set('old'))
  world.settle()
  world.clear('n')
  world.settle()
  assert.equal(read(world, 'A', key), 'absent')
  assert.ok(ownWrite(world, 'A', 'new', key), 'the record of before is still to be swept away')
  world.tickHome()
  world.settle()
  world.run(1_000)
  assert.equal(read(world, 'B', key), 'new')
  assert.equal(world.memory.state.find(key)?.generation, 1)

  world.home.state.touched.clear()
  assert.equal(read(world, 'A', key), 'new')
  assert.equal(write(world, 'A', set('before')), 'done')
  assert.ok(ownWrite(world, 'A', 'after'))
  world.home.state.touched.clear()
  world.memory.state.capacity = { bytesMax: 0, whenFull: 'lru' }
  world.tickHome()
  world.settle()
  assert.deepEqual([...world.memory.state.records.keys()], [k])
  assert.equal(textOf(world.memory.state.find(k)?.value ?? null), 'after', 'what was touched last of all goes last')
  world.tickHome()
  world.settle()
  assert.equal(world.memory.state.records.size, 0)
  assert.deepEqual(world.home.state.leaving, { keys: 0, bytes: 0 })
})

test('an agent that pushes less than memory has of a key that was cleared changes nothing, and ends no replica', () => {
  const memory = new Memory()
  const term = homeTerm(2)
  const context: MemoryContext = { term, time: millis(0), isReborn: false }
  const opened = memory.execute({ type: 'open-session', term, agent: agentId('A'), nonce: 1 }, context)
  assert.ok(opened.type === 'session')
  const key = keyIn('n', 'one')
  const dirty = { grant: grant(5), sequence: 3, value: new TestValue('had') }
  memory.execute({ type: 'flush', term, key, dirty }, context)
  memory.execute({ type: 'clear', term, namespace: 'n', grant: grant(6) }, context)
  const push = (held: boolean, version: Version): MemoryCommand => ({
    type: 'push',
    term,
    session: opened.session,
    push: { key, version, value: new TestValue('pushed'), held, carriedBy: null },
  })
  const older = { term: homeTerm(1), grant: grant(0), sequence: 0 }
  for (const held of [true, false]) assert.deepEqual(memory.execute(push(held, older), context), { type: 'done' })
  assert.equal(memory.state.find(key), null)
  memory.execute(push(true, { term, grant: grant(7), sequence: 0 }), context)
  assert.equal(textOf(memory.state.find(key)?.value ?? null), 'pushed', 'what it had since then counts')
})
