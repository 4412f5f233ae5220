import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOf } from './describe.ts'
import { keyIn } from './memory-state.ts'
import { add, always, applyAll, deliver, k, l, letter, outcomeOf, ownWrite, read, set, stateAt, write } from './scenario.ts'
import { TestValue, World, describeLetter, other, own, theSlot } from './testkit.ts'
import { agentId, cacheKey, homeTerm, requestNumber } from './types.ts'

/** Both have the line in S. */
function shared(): World {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.equal(read(world, 'B'), '0')
  assert.equal(`${stateAt(world, 'A')}${stateAt(world, 'B')}`, 'SS')
  return world
}

test('race: an upgrade that meets an invalidation is served with the data', () => {
  const world = shared()
  const a = world.write('A', k, set('1'))
  const b = world.write('B', k, add)
  deliver(world, 'home ← A', 'home ← B', 'B ← home Invalidate')
  assert.equal(stateAt(world, 'B'), 'I')
  world.settle()
  assert.equal(outcomeOf(world, a), 'done')
  assert.equal(outcomeOf(world, b), 'done 2')
  assert.equal(textOf(world.agent('B').getSync(k, other, world.now) ?? null), '2')
  assert.equal(stateAt(world, 'A'), 'I')
})

test('race: an eviction that crosses a snoop leaves the value with the agent, which answers from it', () => {
  const world = new World({ limits: { linesMax: 1 } })
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.ok(ownWrite(world, 'A', '1'))
  const b = world.read('B', k)
  deliver(world, 'home ← B open')
  applyAll(world)
  deliver(world, 'B ← home opened', 'BusRd')
  const a = world.read('A', l)
  deliver(world, 'home ← A #2 l', 'A ← home #2')
  assert.equal(stateAt(world, 'A'), 'I')
  assert.equal(outcomeOf(world, a), 'absent')
  deliver(world, 'Downgrade k')
  assert.match(describeLetter(letter(world, 'snooped k')), /gone, had 1/)
  world.settle()
  assert.equal(outcomeOf(world, b), '1')
})

test('race: a grant that an invalidation overtakes is not taken, and who waited for it is answered', () => {
  const world = new World()
  assert.equal(read(world, 'A', l), 'absent')
  const a = world.read('A', k)
  deliver(world, 'home ← A #2 k')
  const b = world.write('B', k, set('1'))
  deliver(world, 'home ← B open')
  applyAll(world)
  deliver(world, 'B ← home opened', 'BusRdX', 'A ← home Invalidate k', 'snooped k')
  applyAll(world)
  deliver(world, 'B ← home #1')
  assert.equal(outcomeOf(world, b), 'done')
  deliver(world, 'A ← home #2 k E')
  assert.equal(outcomeOf(world, a), 'absent')
  assert.equal(stateAt(world, 'A'), 'I')
  assert.equal(read(world, 'A'), '1')
})

test('race: of two upgrades one comes first, and both are done', () => {
  const world = shared()
  const [a, b] = [world.write('A', k, add), world.write('B', k, add)]
  world.settle()
  assert.deepEqual([outcomeOf(world, a), outcomeOf(world, b)], ['done 1', 'done 2'])
})

test('race: a snoop that is repeated after an upgrade was opened says what is held now', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  const b = world.read('B', k)
  deliver(world, 'home ← B open')
  applyAll(world)
  deliver(world, 'B ← home opened', 'BusRd')
  world.arrive(letter(world, 'Downgrade'))
  assert.match(describeLetter(letter(world, 'snooped')), /kept/)
  world.drop(letter(world, 'snooped'))
  const a = world.write('A', k, set('1'))
  deliver(world, 'Downgrade')
  assert.match(describeLetter(letter(world, 'snooped')), /gone/)
  world.settle()
  assert.equal(outcomeOf(world, a), 'done')
  assert.equal(outcomeOf(world, b), '0')
  assert.equal(read(world, 'B'), '1')
})

test('race: an owner that dies with an unflushed value takes it along, and nobody has seen it', () => {
  const world = shared()
  assert.equal(write(world, 'A', set('1')), 'done')
  assert.ok(ownWrite(world, 'A', '2'))
  world.step('A', { type: 'flush' })
  world.drop(letter(world, 'Flush'))
  world.agents.delete(agentId('A'))
  const b = world.read('B', k)
  world.run(3_000)
  assert.equal(outcomeOf(world, b), '1')
})

test('race: a home that dies between the commit and the answer has the write carried out once', () => {
  for (const kept of [0, 1]) {
    const world = shared()
    const a = world.write('A', k, add)
    deliver(world, 'add', 'Invalidate', 'snooped')
    world.changeHome(kept)
    for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
    world.run(1_000)
    assert.equal(outcomeOf(world, a), 'done 1')
    assert.equal(read(world, 'B'), '1')
  }
})

test('race: a late flush of an old grant changes nothing', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.ok(ownWrite(world, 'A', '1'))
  world.step('A', { type: 'flush' })
  const late = letter(world, 'Flush 1')
  world.letters = []
  assert.equal(write(world, 'B', set('2')), 'done')
  world.arrive(late)
  world.settle()
  assert.equal(read(world, 'A'), '2')
  assert.equal(world.agent('A').state.dirty.size, 0)
})

test('race: who reconnects in the middle of a request is told that nobody knows, and asks its reads again', () => {
  const world = new World({ limits: { lingerMs: 0 } })
  assert.equal(read(world, 'A', l), 'absent')
  const [a, b] = [world.write('A', k, set('1')), world.read('A', cacheKey('m'))]
  world.letters = []
  world.pass(1_200)
  world.run(1_000)
  assert.equal(outcomeOf(world, a), 'unknown')
  assert.equal(outcomeOf(world, b), 'absent')
})

test('race: what is known to be absent here is not while a write of it is pending elsewhere', () => {
  const world = new World()
  assert.equal(read(world, 'A'), 'absent')
  assert.equal(world.agent('A').getSync(k, other, world.now), null)
  const b = world.write('B', k, set('1'))
  deliver(world, 'home ← B open')
  applyAll(world)
  deliver(world, 'B ← home opened', 'BusRdX')
  assert.equal(world.agent('A').getSync(k, other, world.now), null, 'nobody was told of the write yet')
  deliver(world, 'Invalidate')
  assert.equal(world.agent('A').getSync(k, other, world.now), undefined)
  world.settle()
  assert.equal(outcomeOf(world, b), 'done')
  assert.equal(read(world, 'A'), '1')
})

test('defect 12: two agents that write at once never both own the line', () => {
  for (let round = 0; round < 30; round++) {
    const world = new World()
    const ids = [world.write('A', k, set(`a${round}`)), world.write('B', k, set(`b${round}`))]
    world.settle()
    assert.deepEqual(
      ids.map((id) => outcomeOf(world, id)),
      ['done', 'done'],
    )
    assert.equal([stateAt(world, 'A'), stateAt(world, 'B')].filter((state) => state === 'M').length, 1)
    assert.equal(read(world, 'A'), read(world, 'B'))
  }
})

test('defect 13: an agent with room for few lines loses no value of many', () => {
  const world = new World({ limits: { linesMax: 5 } })
  const keys = Array.from({ length: 7 }, (_, at) => cacheKey(`k${at}`))
  for (const key of keys) {
    world.write('A', key, set('0'))
    world.settle()
    assert.ok(ownWrite(world, 'A', key, key))
  }
  world.settle()
  assert.equal(world.agent('A').state.lines.byKey.size, 5)
  for (const key of keys) assert.equal(read(world, 'B', key), key)
})

test('defect 14: of three agents that know a key to be absent none has it exclusively', () => {
  const world = new World({ agents: ['A', 'B', 'C'] })
  for (const name of ['A', 'B', 'C']) assert.equal(read(world, name), 'absent')
  assert.deepEqual(
    ['A', 'B', 'C'].map((name) => stateAt(world, name)),
    ['S', 'S', 'S'],
  )
})

test('rule 6: a pending write shows the value from before it, to its own agent too', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  const a = world.write('A', k, set('1'))
  const seen = (): string => textOf(world.agent('A').getSync(k, own, world.now) ?? null)
  assert.equal(seen(), '0')
  deliver(world, 'Flush')
  applyAll(world)
  assert.equal(seen(), '0')
  world.settle()
  assert.equal(outcomeOf(world, a), 'done')
  assert.equal(seen(), '1')
})

test('rule 8: after a pause of its process an agent renews before it uses a line again', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  world.tickAgent('A')
  world.settle()
  world.pass(600)
  assert.notEqual(world.agent('A').getSync(k, other, world.now), undefined)
  world.tickAgent('A')
  assert.equal(world.agent('A').getSync(k, other, world.now), undefined)
  world.settle()
  assert.equal(textOf(world.agent('A').getSync(k, other, world.now) ?? null), '0')
})

test('rule 8: a renewal counts from when it was asked for, however late its answer comes', () => {
  const world = new World({ limits: { gapMs: 1e9 } })
  assert.equal(write(world, 'A', set('0')), 'done')
  const { renewMs, leaseMs, marginMs } = world.limits
  world.pass(renewMs)
  world.tickAgent('A')
  deliver(world, 'home ← A renew')
  // The answer takes nearly as long as the lease that it is to prolong.
  world.pass(leaseMs - marginMs - renewMs - 1)
  deliver(world, 'A ← home renewed')
  world.pass(renewMs)
  assert.notEqual(world.agent('A').getSync(k, other, world.now), undefined)
  world.pass(1)
  assert.equal(world.agent('A').getSync(k, other, world.now), undefined)
  assert.equal(world.now, renewMs + leaseMs - marginMs)
})

test('rule 11: an answer of a former home is not taken, and one of a later home is looked up', () => {
  const world = shared()
  const a = world.write('A', k, set('1'))
  deliver(world, 'home ← A', 'Invalidate', 'snooped')
  world.apply()
  const late = letter(world, 'A ← home')
  world.letters = []
  world.changeHome(0)
  for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
  deliver(world, 'home ← A arrive', 'home ← B arrive', 'A ← home welcome')
  world.arrive(late)
  assert.equal(stateAt(world, 'A'), 'I')
  world.settle()
  assert.equal(outcomeOf(world, a), 'done')
  const { standing } = world.agent('A').state.slot(theSlot)
  assert.ok(standing.type === 'open')
  const message = { type: 'session-lost', slot: theSlot, term: homeTerm(9), session: standing.session } as const
  assert.deepEqual(world.step('A', { type: 'message', message }).lookUp, [theSlot])
})

test('rule 15: an operation that comes when a table is full is refused, and the others are done', () => {
  const world = new World({ limits: { openKeysMax: 1, waitingPerKeyMax: 1 } })
  const ids = [world.write('A', k, add), world.write('A', k, add), world.write('A', l, add)]
  world.settle()
  assert.deepEqual(
    ids.map((id) => outcomeOf(world, id)),
    ['done 1', 'too_many_requests', 'too_many_requests'],
  )
})

test('rule 15: a clear is done though as many requests wait for a key of its namespace as may', () => {
  const world = new World({ agents: ['A', 'B', 'C', 'D'], limits: { queuedPerKeyMax: 2 } })
  for (const name of ['B', 'C', 'D']) read(world, name, l)
  assert.equal(write(world, 'A', set('0')), 'done')
  const writes = [world.write('B', k, set('1')), world.write('C', k, set('2'))]
  deliver(world, 'home ← B', 'home ← C')
  world.clear('')
  const reads = [world.read('D', k), world.read('D', cacheKey('m'))]
  world.settle()
  assert.deepEqual(
    [...writes, ...reads].map((id) => outcomeOf(world, id)),
    ['done', 'done', 'overloaded', 'absent'],
  )
  assert.equal(read(world, 'D'), 'absent')
})

test('additions to a key that several agents write in turns are carried out at the home', () => {
  const world = new World()
  for (let round = 0; round < 4; round++) for (const name of ['A', 'B']) write(world, name, add)
  assert.equal(`${stateAt(world, 'A')}${stateAt(world, 'B')}`, 'II')
  assert.equal(world.home.state.directory.size, 0)
  assert.equal(read(world, 'A'), '8')
  assert.equal(write(world, 'A', add), 'done 9')
  assert.equal(write(world, 'A', add), 'done 10')
  assert.equal(stateAt(world, 'A'), 'M')
})

test('a cleared namespace is absent for everybody, and what comes meanwhile waits', () => {
  const world = new World()
  const [inside, outside] = [keyIn('space', 'x'), cacheKey('x')]
  for (const key of [inside, outside]) {
    world.write('A', key, set('0'))
    world.settle()
  }
  world.clear('space')
  const b = world.read('B', keyIn('space', 'y'))
  world.settle()
  assert.equal(outcomeOf(world, b), 'absent')
  assert.equal(read(world, 'B', inside), 'absent')
  assert.equal(read(world, 'B', outside), '0')
})

test('a watched line that goes is told', () => {
  const world = shared()
  world.step('A', { type: 'watch', key: k, on: true })
  const b = world.write('B', k, set('1'))
  deliver(world, 'home ← B')
  const snoop = letter(world, 'Invalidate')
  assert.ok(snoop.type === 'to-agent')
  assert.deepEqual(world.step('A', { type: 'message', message: snoop.message }).changed, [k])
  world.settle()
  assert.equal(outcomeOf(world, b), 'done')
})

test('everybody is snooped under the policy broadcast, and it comes to the same', () => {
  const world = new World({ agents: ['A', 'B', 'C'], snoops: 'broadcast' })
  for (const name of ['A', 'B', 'C']) assert.equal(read(world, name, l), 'absent')
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.ok(world.agent('C').state.counters.snoops > 0)
  assert.equal(read(world, 'B'), '0')
  assert.equal(read(world, 'C'), '0')
})

test('a line is written without asking anybody only where it is owned', () => {
  const world = shared()
  assert.ok(!ownWrite(world, 'A', '1'))
  assert.equal(write(world, 'A', set('1')), 'done')
  assert.ok(ownWrite(world, 'A', '2'))
  assert.ok(!world.agent('A').setSync(k, new TestValue('3'), other, world.now), 'not over what only another may see')
  assert.equal(textOf(world.agent('A').peek(k, own, world.now) ?? null), '2')
  assert.equal(write(world, 'A', { type: 'delete', condition: always }), 'done')
  assert.equal(read(world, 'B'), 'absent')
})

test('a write tells how many copies elsewhere had to go for it', () => {
  const world = new World({ agents: ['A', 'B', 'C'] })
  assert.equal(write(world, 'A', set('0')), 'done')
  for (const name of ['B', 'C']) assert.equal(read(world, name), '0')
  const id = world.write('B', k, set('1'))
  world.settle()
  const answer = world.witness.answers.get(id)
  assert.ok(answer?.type === 'changed')
  assert.equal(answer.invalidated, 2)
})

test('operations that wait for a key travel together only as far as their values are small', () => {
  const world = new World({ limits: { batchBytesMax: 10 } })
  const ids = ['0123456789', '0123456789a', '1', '2'].map((text) => world.write('A', k, set(text)))
  const sizes: number[] = []
  while (world.letters.length + world.log.length > 0) {
    for (const each of world.letters) {
      if (each.type === 'to-home' && each.message.type === 'request' && each.message.body.type === 'write')
        sizes.push(each.message.body.operations.length)
    }
    const [first] = world.letters
    if (first === undefined) world.apply()
    else world.deliver(first)
  }
  assert.deepEqual(
    ids.map((id) => outcomeOf(world, id)),
    ['done', 'done', 'done', 'done'],
  )
  assert.deepEqual(
    sizes.toSorted((left, right) => left - right).filter((size, at, all) => size !== all[at - 1]),
    [1, 2],
  )
})

test('as many reads as may wait behind an owner that died are answered in one turn', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.equal(read(world, 'B', l), 'absent')
  const { standing } = world.agent('B').state.slot(theSlot)
  assert.ok(standing.type === 'open')
  const { session } = standing
  const { queuedPerKeyMax } = world.limits
  const first = world.agent('B').state.lastNumber + 1
  for (let number = first; number < first + queuedPerKeyMax; number++) {
    const numbered = { number: requestNumber(number), oldest: requestNumber(first) }
    const message = { type: 'request', slot: theSlot, term: world.term, session, ...numbered, key: k, body: { type: 'read' } } as const
    world.home.step({ type: 'message', from: agentId('B'), message }, world.now)
  }
  let answered = 0
  for (let ms = 0; ms < 3_000 && answered === 0; ms += 100) {
    world.pass(100)
    world.renew('B')
    const { propose } = world.home.step({ type: 'tick', leadsUntil: world.after(1_000) }, world.now)
    for (const { number, command } of propose) {
      const answer = world.memory.execute(command, { term: world.term, time: world.now, isReborn: false })
      const { send } = world.home.step({ type: 'applied', number, answer }, world.now)
      answered += send.filter(({ message }) => message.type === 'reply' && message.body.type === 'granted').length
    }
  }
  assert.equal(answered, queuedPerKeyMax)
  assert.equal(world.home.state.queues.size, 0)
})

test('rule 1: a home that takes nothing more does not turn away what the home before it has carried out', () => {
  const world = new World({ limits: { queuedPerKeyMax: 1 } })
  for (const name of ['A', 'B']) world.write(name, l, add)
  world.settle()
  const a = world.write('A', k, add)
  deliver(world, 'add')
  applyAll(world)
  world.drop(letter(world, 'done 1'))
  world.changeHome(0)
  for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
  const b = world.write('B', k, add)
  deliver(world, 'home ← A arrive', 'home ← B arrive', 'B ← home welcome', 'home ← B', 'A ← home welcome', 'home ← A')
  world.settle()
  assert.deepEqual([outcomeOf(world, a), outcomeOf(world, b)], ['done 1', 'done 2'])
  assert.equal(read(world, 'B'), '2')
})

test('rule 15: agents that asked at one moment, under the same number, do not all ask again at one moment', () => {
  const names = Array.from({ length: 32 }, (_, at) => `n${at + 1}/agent`)
  const world = new World({ agents: names, limits: { gapMs: 1e9 } })
  for (const name of names) read(world, name, l)
  for (const name of names) world.read(name, k)
  world.letters = []
  const { retryMs } = world.limits
  const asked = new Map<number, number>()
  for (let ms = 1; ms <= 1.5 * retryMs; ms++) {
    world.pass(1)
    for (const name of names) world.tickAgent(name)
    const again = world.letters.filter(({ message }) => message.type === 'request')
    assert.ok(again.length === 0 || ms >= retryMs)
    if (again.length > 0) asked.set(ms, again.length)
    world.letters = []
  }
  const counts = [...asked.values()]
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    names.length,
    'each asks again once',
  )
  assert.ok(Math.max(...counts) <= 4 && counts.length >= 16, `${counts.join(', ')} at one moment`)
})
