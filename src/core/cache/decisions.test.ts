import assert from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import { ClientOutcomes } from './client-outcomes.ts'
import { describeVersion, textOf } from './describe.ts'
import { cacheLimits } from './limits.ts'

import { keyIn } from './memory-state.ts'

import { add, always, applyAll, deliver, k, l, letter, outcomeOf, ownWrite, read, set, stateAt, write } from './scenario.ts'
import { TestValue, World, describeLetter, other, own, theSlot } from './testkit.ts'
import type { Grant, Key, Outcome } from './types.ts'
import { agentId, agentSession, cacheKey, homeTerm, noVersion, slotId } from './types.ts'

test('decision C1: an owner that did not hear that its write is committed does not keep the value from before it', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  world.write('A', k, set('1'))
  deliver(world, 'Flush')
  applyAll(world)
  world.drop(letter(world, 'done'))
  const id = world.read('B', k)
  world.settle()
  assert.equal(outcomeOf(world, id), '1')
  assert.equal(stateAt(world, 'A'), 'I')
  assert.equal(world.agent('A').getSync(k, other, world.now), undefined)
})

test('decision C2: what an agent pushes is refused when its session was closed meanwhile', () => {
  const world = new World({ limits: { lingerMs: 0 } })
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.equal(read(world, 'B', l), 'absent')
  const { standing } = world.agent('A').state.slot(theSlot)
  const line = world.agent('A').state.lines.byKey.get(k)
  assert.ok(standing.type === 'open' && line !== undefined)
  const version = { term: world.term, grant: line.grant, sequence: 9 }
  world.pass(500)
  world.renew('B')
  world.pass(650)
  world.tickHome()
  applyAll(world)
  assert.equal(read(world, 'B'), '0')
  world.changeHome(world.log.length)
  const addressed = { slot: theSlot, term: world.term, session: standing.session, sentAt: world.now }
  const pushes = [{ key: k, version, value: new TestValue('1'), held: true, carriedBy: null }]
  world.arrive({ type: 'to-home', from: agentId('A'), message: { ...addressed, type: 'arrive', pushes } })
  applyAll(world)
  assert.equal(textOf(world.memory.state.find(k)?.value ?? null), '0')
})

test('decision C2: what the former home had taken already does not come back', () => {
  for (const deleted of [false, true]) {
    const world = new World()
    assert.equal(write(world, 'A', set('0')), 'done')
    assert.ok(ownWrite(world, 'A', '1'))
    const b = world.write('B', k, deleted ? { type: 'delete', condition: always } : set('2'))
    deliver(world, 'home ← B open')
    applyAll(world)
    deliver(world, 'B ← home opened', 'home ← B', 'Invalidate', 'snooped')
    applyAll(world)
    deliver(world, 'B ← home')
    assert.equal(outcomeOf(world, b), 'done')
    world.changeHome(0)
    for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
    assert.match(describeLetter(letter(world, 'home ← A arrive')), /k=1/)
    world.settle()
    assert.equal(read(world, 'A'), deleted ? 'absent' : '2')
  }
})

test('decision C2: a dirty line goes to the next home, and is lost only with its lease', () => {
  for (const late of [false, true]) {
    const world = new World()
    assert.equal(write(world, 'A', set('0')), 'done')
    assert.ok(ownWrite(world, 'A', '1'))
    world.changeHome(0)
    if (late) world.pass(1_000)
    for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
    world.run(3_000)
    assert.equal(read(world, 'B'), late ? '0' : '1')
    assert.equal(world.agent('A').state.counters.lost, late ? 1 : 0)
  }
})

test('decision C2: a dirty line that no home in time has heard of counts as lost, also when its slot went on to another home', () => {
  for (const homes of [1, 2]) {
    const world = new World()
    assert.equal(write(world, 'A', set('0')), 'done')
    assert.ok(ownWrite(world, 'A', '1'))
    for (let home = 0; home < homes; home++) {
      world.changeHome(0)
      for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
      world.drop(letter(world, 'home ← A arrive'))
    }
    world.pass(1_200)
    world.tickHome()
    applyAll(world)
    world.tickAgent('A')
    world.settle()
    assert.equal(read(world, 'B'), '0')
    assert.equal(world.agent('A').state.counters.lost, 1)
  }
})

test('decision C2: a value that a delete went with does not come back', () => {
  for (const kept of [0, 1]) {
    const world = new World()
    assert.equal(write(world, 'A', set('0')), 'done')
    assert.ok(ownWrite(world, 'A', '1'))
    const a = world.write('A', k, { type: 'delete', condition: always })
    deliver(world, 'delete')
    world.changeHome(kept)
    world.step('A', { type: 'home', slot: theSlot, term: world.term })
    assert.match(describeLetter(letter(world, 'arrive')), /k=1/)
    world.settle()
    assert.equal(outcomeOf(world, a), 'done')
    assert.equal(read(world, 'A'), 'absent')
  }
})

test('decision C3: a new home does not wait for the agent of the node that was home before', () => {
  const phaseAfter = (previousAgent: string | null): string => {
    const world = new World({ localAgent: 'A' })
    world.step('A', { type: 'leadership', slot: theSlot, term: world.term, until: world.after(450) })
    assert.equal(write(world, 'A', set('0')), 'done')
    world.pass(450)
    world.changeHome(0, previousAgent)
    return world.home.state.phase
  }
  assert.equal(phaseAfter('A'), 'open')
  assert.equal(phaseAfter(null), 'opening')
})

test('decision C3: a new home waits for what the agent of the node that was home before has pushed', () => {
  const world = new World({ localAgent: 'A' })
  world.step('A', { type: 'leadership', slot: theSlot, term: world.term, until: world.after(450) })
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.ok(ownWrite(world, 'A', '1'))
  assert.equal(read(world, 'B', l), 'absent')
  world.step('A', { type: 'home', slot: theSlot, term: homeTerm(world.term + 1) })
  world.changeHome(0, 'A')
  world.step('B', { type: 'home', slot: theSlot, term: world.term })
  for (const name of ['A', 'B']) world.deliver(letter(world, `${name} arrive`))
  assert.equal(world.home.state.phase, 'opening')
  world.settle()
  assert.equal(world.home.state.phase, 'open')
  assert.equal(read(world, 'B'), '1')
})

test('decision C3: the agent in the process of the home lives under its leadership lease, and under no other', () => {
  const world = new World({ localAgent: 'A' })
  const lead = (ms: number): void => {
    world.step('A', { type: 'leadership', slot: theSlot, term: world.term, until: world.after(ms) })
  }
  lead(450)
  assert.equal(write(world, 'A', set('0')), 'done')
  world.pass(400)
  lead(450)
  world.pass(400)
  assert.equal(textOf(world.agent('A').getSync(k, other, world.now) ?? null), '0')
  world.pass(51)
  assert.equal(world.agent('A').getSync(k, other, world.now), undefined)
})

test('decision C3: a home does not wait for ever for an agent in its own process that has given the slot up', () => {
  const world = new World({ limits: { lingerMs: 0 } })
  assert.equal(write(world, 'A', set('0')), 'done')
  // The home is silent for longer than the lease, and nobody at A wants anything.
  world.pass(1_000)
  world.tickAgent('A')
  world.settle()
  assert.equal(world.agent('A').state.slot(theSlot).standing.type, 'apart')
  world.localAgent = agentId('A')
  world.changeHome(0)
  for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
  const id = world.read('B', k)
  world.run(3_000)
  assert.equal(outcomeOf(world, id), '0')
})

test('decision C4: a lease of another slot, or of another term, is none', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  const { standing } = world.agent('A').state.slot(theSlot)
  assert.ok(standing.type === 'open')
  world.pass(899)
  const renewed = { slot: theSlot, term: homeTerm(world.term - 1), session: standing.session, sentAt: world.now, type: 'renewed' } as const
  world.step('A', { type: 'message', message: renewed })
  assert.notEqual(world.agent('A').getSync(k, other, world.now), undefined)
  world.pass(1)
  assert.equal(world.agent('A').getSync(k, other, world.now), undefined)
})

test('decision C4: the home of one slot prolongs no lease of another', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  const agent = world.agent('A')
  const at = { slot: slotId(2), term: homeTerm(1) }
  world.step('A', { type: 'home', ...at })
  world.step('A', { type: 'read', id: 99, slot: at.slot, key: l, handle: other, fill: false })
  const { nonce } = agent.state.slot(at.slot)
  const session = agentSession(7)
  world.step('A', { type: 'message', message: { type: 'opened', ...at, session, nonce, sentAt: world.now } })
  world.pass(899)
  world.step('A', { type: 'message', message: { type: 'renewed', ...at, session, sentAt: world.now } })
  assert.ok(agent.state.slot(at.slot).usableUntil > world.now + 1)
  world.pass(1)
  assert.equal(agent.getSync(k, other, world.now), undefined)
})

test('decision C5: versions grow, also when the directory has forgotten a key and the key was deleted', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  const before = world.memory.state.versionOf(k)
  assert.equal(write(world, 'A', { type: 'delete', condition: always }), 'done')
  world.agents.delete(agentId('A'))
  world.run(2_000 + world.limits.lingerMs)
  assert.equal(world.home.state.directory.size, 0)
  assert.equal(write(world, 'B', set('1')), 'done')
  const after = world.memory.state.versionOf(k)
  assert.ok(after.term === before.term && after.grant > before.grant)
  assert.equal(write(world, 'B', set('2', { type: 'version', version: before })), 'mismatch')
})

test('decision C6: a retry is answered from what is kept for its client, however busy the key was', () => {
  const world = new World()
  const identity = { client: 'X', sequence: 1, confirmed: 0, retry: false, again: false }
  assert.equal(write(world, 'A', add, identity), 'done 1')
  for (let count = 0; count < 500; count++) write(world, 'B', add)
  assert.equal(write(world, 'B', add, { ...identity, retry: true }), 'done 1')
  assert.equal(read(world, 'A'), '501')
})

test('decision C6: a retry of a client that nobody remembers is unknown, and not carried out', () => {
  const world = new World()
  assert.equal(write(world, 'A', add, { client: 'X', sequence: 1, confirmed: 0, retry: true, again: false }), 'unknown')
  assert.equal(read(world, 'A'), 'absent')
})

/** Changes of the client `x` by A, each of another key: more than are kept. */
function makeOthers(world: World): void {
  for (let sequence = 2; sequence <= 7; sequence++) {
    const id = world.write('A', cacheKey(`o${sequence}`), add, { identity: { ...firstAttempt, sequence } })
    world.settle()
    assert.equal(outcomeOf(world, id), 'done 1')
  }
}

const firstAttempt = { client: 'x', sequence: 1, confirmed: 0, retry: false, again: false }

test('decision C6: a change that waited while its client made more others than are kept is carried out', () => {
  const world = new World({ limits: { outcomesPerClientMax: 4 } })
  assert.equal(write(world, 'B', add), 'done 1')
  read(world, 'A', l)
  const slow = world.write('A', k, add, { identity: firstAttempt })
  deliver(world, 'home ← A')
  const snoop = letter(world, 'Invalidate')
  world.drop(snoop)
  makeOthers(world)
  world.arrive(snoop)
  world.settle()
  assert.equal(outcomeOf(world, slow), 'done 2')
  assert.equal(write(world, 'B', add, { ...firstAttempt, retry: true }), 'done 2')
})

test('decision C6: a change that was carried out and whose outcome had to make room is not carried out again', () => {
  const world = new World({ limits: { outcomesPerClientMax: 4 } })
  for (const name of ['A', 'B']) read(world, name, l)
  const doubtful = world.write('A', k, add, { identity: firstAttempt })
  const asked = letter(world, 'home ← A')
  world.deliver(asked)
  applyAll(world)
  world.drop(letter(world, 'A ← home'))
  makeOthers(world)
  for (const again of [{ again: true }, { retry: true }]) assert.equal(write(world, 'B', add, { ...firstAttempt, ...again }), 'unknown')
  // The first attempt itself, once more by the same home, and under the next one.
  world.arrive(asked)
  world.drop(letter(world, 'A ← home'))
  world.changeHome(0)
  for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
  world.settle()
  assert.equal(outcomeOf(world, doubtful), 'done 1')
  assert.equal(read(world, 'B'), '1')
})

test('decision C12: a slot that began anew does not know whom it answered before, and carries out nothing that was sent before', () => {
  const outcomes = new ClientOutcomes(cacheLimits)
  const first = { client: 'X', sequence: 1, confirmed: 0, retry: false, again: false }
  const kept: Outcome = { type: 'done', version: noVersion, number: 7 }
  const anew = { time: millis(0), isReborn: true }
  assert.deepEqual(outcomes.find({ ...first, again: true }, anew), { type: 'unknown' })
  assert.equal(outcomes.find({ ...first, sequence: 2 }, anew), null)
  outcomes.record({ ...first, sequence: 2 }, kept)
  assert.deepEqual(outcomes.find({ ...first, sequence: 2, again: true }, anew), kept)
  assert.deepEqual(outcomes.find({ ...first, again: true }, anew), { type: 'unknown' })
  assert.equal(outcomes.find({ ...first, again: true }, { ...anew, isReborn: false }), null)
})

test('decision C7: an addition whose message was lost is not swallowed by the next one', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  const first = world.write('A', k, add)
  world.drop(letter(world, 'add'))
  const second = world.write('A', k, add)
  world.run(1_000)
  assert.equal(outcomeOf(world, first), 'done 1')
  assert.equal(outcomeOf(world, second), 'done 2')
})

test('decision C8: what one handle wrote at the level owner another sees only when memory has it', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.ok(ownWrite(world, 'A', '1'))
  assert.equal(textOf(world.agent('A').getSync(k, own, world.now) ?? null), '1')
  assert.equal(world.agent('A').getSync(k, other, world.now), undefined)
  const id = world.read('A', k)
  assert.equal(outcomeOf(world, id), '…')
  world.settle()
  assert.equal(outcomeOf(world, id), '1')
  assert.equal(textOf(world.memory.state.find(k)?.value ?? null), '1')
})

test('decision C8: a replicated write commits what was written before it at the level owner', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.ok(ownWrite(world, 'A', '5'))
  assert.equal(write(world, 'A', add), 'done 6')
  assert.equal(read(world, 'B'), '6')
})

test('rule 8: the lease of a session that took long to get into the log counts from when it was asked for last', () => {
  const world = new World()
  const id = world.read('A', k)
  deliver(world, 'home ← A open')
  world.pass(950)
  world.tickAgent('A')
  deliver(world, 'home ← A open')
  world.settle()
  assert.equal(outcomeOf(world, id), 'absent')
  assert.equal(world.agent('A').state.counters.lapses, 0)
})

test('rule 8: the lease of an agent whose pushes took long to get into the log counts from when it arrived last', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  assert.ok(ownWrite(world, 'A', '1'))
  const id = world.write('A', l, set('2'))
  world.letters = []
  world.changeHome(0)
  for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
  deliver(world, 'home ← A arrive')
  world.pass(950)
  world.tickAgent('A')
  deliver(world, 'home ← A arrive')
  world.settle()
  assert.equal(outcomeOf(world, id), 'done')
  assert.deepEqual([world.agent('A').state.counters.lapses, read(world, 'B')], [0, '1'])
})

test('decision C9: only the home ends a value, for everybody at once', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0', always, 300)), 'done')
  assert.equal(read(world, 'B'), '0')
  // B's own countdown is over first: it drops its line, and asks.
  world.pass(280)
  assert.equal(world.agent('B').getSync(k, other, world.now), undefined)
  assert.equal(read(world, 'B'), '0')
  world.pass(30)
  assert.equal(read(world, 'B'), 'absent')
  assert.equal(stateAt(world, 'A'), 'I')
  world.changeHome(0)
  for (const name of ['A', 'B']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
  assert.equal(read(world, 'A'), 'absent')
})

test('decision C9: nobody has to ask for a value to end', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0', always, 300)), 'done')
  world.run(400)
  assert.equal(world.memory.state.records.size, 0)
  assert.equal(stateAt(world, 'A'), 'I')
})

test('decision C9: a value ends when its last life does, however often it was given another', () => {
  for (const [lifeMs, thereMs, goneMs] of [
    [300, 250, 400],
    [5_000, 4_900, 5_100],
  ] as const) {
    const world = new World()
    for (const ttlMs of [2_000, 1_000, 3_000, lifeMs]) assert.equal(write(world, 'A', set('0', always, ttlMs)), 'done')
    world.run(thereMs)
    assert.equal(world.memory.state.records.size, 1)
    world.run(goneMs - thereMs)
    assert.equal(world.memory.state.records.size, 0)
  }
})

test('decision C9: what a home knows of lives does not grow with how often keys are written, or come and go', () => {
  const world = new World()
  const { state } = world.home
  for (let at = 0; at < 500; at++) assert.equal(write(world, 'A', set('0', always, 100_000 - at)), 'done')
  assert.deepEqual([state.expiring.size, (state.expiries?.size ?? 0) < 100], [1, true])
  for (let at = 0; at < 500; at++) {
    const key = cacheKey(`k${at}`)
    world.write('A', key, set('0', always, 100_000))
    world.settle()
    world.write('A', key, { type: 'delete', condition: always })
    world.settle()
  }
  assert.deepEqual([state.expiring.size, (state.expiries?.size ?? 0) < 100], [1, true])
})

test('decision C10: one agent loads, others wait beside the queue, and a write takes the token', () => {
  const world = new World({ agents: ['A', 'B', 'C'] })
  const [a, b] = [world.read('A', k, { fill: true }), world.read('B', k, { fill: true })]
  world.settle()
  assert.equal(outcomeOf(world, a), 'load')
  assert.equal(outcomeOf(world, b), '…')
  assert.equal(read(world, 'C'), 'absent')
  const loading = world.witness.answers.get(a)
  assert.ok(loading?.type === 'load')
  assert.equal(write(world, 'C', set('new')), 'done')
  assert.equal(outcomeOf(world, b), 'new')
  assert.equal(write(world, 'A', set('old', { type: 'token', token: loading.token })), 'mismatch')
  assert.equal(read(world, 'A'), 'new')
})

test('decision C10: a token is taken also by a write that travels in the same message', () => {
  const world = new World()
  const a = world.read('A', k, { fill: true })
  world.settle()
  const loading = world.witness.answers.get(a)
  assert.ok(loading?.type === 'load')
  const busy = world.write('A', k, { type: 'delete', condition: { type: 'version', version: world.memory.state.removed } })
  const changes = [set('new'), set('old', { type: 'token', token: loading.token })]
  const [first, second] = changes.map((change) => world.write('A', k, change))
  world.settle()
  assert.deepEqual(
    [busy, first ?? 0, second ?? 0].map((id) => outcomeOf(world, id)),
    ['mismatch', 'done', 'mismatch'],
  )
  assert.equal(read(world, 'B'), 'new')
})

test('decision C10: a token is taken also by what another agent writes at the level owner, flushed or not', () => {
  for (const isFlushed of [true, false]) {
    const world = new World()
    const a = world.read('A', k, { fill: true })
    world.settle()
    const loading = world.witness.answers.get(a)
    assert.ok(loading?.type === 'load')
    assert.equal(read(world, 'B'), 'absent')
    assert.ok(ownWrite(world, 'B', 'new'))
    if (isFlushed) world.step('B', { type: 'flush' })
    world.settle()
    assert.equal(write(world, 'A', set('old', { type: 'token', token: loading.token })), 'mismatch')
    assert.equal(read(world, 'A'), 'new')
  }
})

test('decision C10: who waits for a loader is told what is written at the level owner meanwhile', () => {
  const world = new World({ agents: ['A', 'B', 'C'] })
  world.read('A', k, { fill: true })
  const waiting = world.read('C', k, { fill: true })
  world.settle()
  assert.equal(read(world, 'B'), 'absent')
  assert.ok(ownWrite(world, 'B', 'new'))
  world.step('B', { type: 'flush' })
  world.settle()
  assert.equal(outcomeOf(world, waiting), 'new')
})

test('decision C10: what is loaded in time is stored, and given to those who wait; after that another may load', () => {
  const world = new World()
  const [a, b] = [world.read('A', k, { fill: true }), world.read('B', k, { fill: true })]
  world.settle()
  const first = world.witness.answers.get(a)
  assert.ok(first?.type === 'load')
  world.run(6_000)
  const second = world.witness.answers.get(b)
  assert.ok(second?.type === 'load')
  assert.equal(write(world, 'A', set('late', { type: 'token', token: first.token })), 'mismatch')
  const again = world.read('A', k, { fill: true })
  world.settle()
  assert.equal(write(world, 'B', set('loaded', { type: 'token', token: second.token })), 'done')
  assert.equal(outcomeOf(world, again), 'loaded')
})

test('decision C10: a clear takes the tokens of its namespace, also of keys that nobody has, and who waits loads', () => {
  const world = new World()
  const [inside, outside] = [keyIn('space', 'x'), k]
  const tokenOf = (name: string, key: Key): Grant => {
    const id = world.read(name, key, { fill: true })
    world.settle()
    const loading = world.witness.answers.get(id)
    assert.ok(loading?.type === 'load')
    return loading.token
  }
  const [taken, kept] = [tokenOf('A', inside), tokenOf('A', outside)]
  const waiting = world.read('B', inside, { fill: true })
  world.settle()
  world.clear('space')
  world.settle()
  assert.equal(outcomeOf(world, waiting), 'load')
  const [late, good] = [
    world.write('A', inside, set('old', { type: 'token', token: taken })),
    world.write('A', outside, set('loaded', { type: 'token', token: kept })),
  ]
  world.settle()
  assert.deepEqual([outcomeOf(world, late), outcomeOf(world, good)], ['mismatch', 'done'])
})

test('decision C6: what memory had no room for is carried out when it comes again and there is room, and only once', () => {
  const world = new World({ limits: { memoryBytesMax: 150 }, whenFull: 'refuse' })
  const identity = { client: 'x', sequence: 1, confirmed: 0, retry: false, again: false }
  const versionAfter = (retry: boolean): string => {
    const id = world.write('A', l, set('y'.repeat(50)), { identity: { ...identity, retry } })
    world.settle()
    return `${outcomeOf(world, id)} ${describeVersion(world.memory.state.versionOf(l))}`
  }
  assert.equal(write(world, 'A', set('x'.repeat(60))), 'done')
  assert.match(versionAfter(false), /^memory_full/)
  assert.equal(write(world, 'A', { type: 'delete', condition: always }), 'done')
  const done = versionAfter(true)
  assert.match(done, /^done/)
  assert.equal(versionAfter(true), done)
})

test('decision C12: a slot that is formed again begins in a higher term, and nobody keeps a line from before', () => {
  const world = new World()
  assert.equal(write(world, 'A', set('0')), 'done')
  const formed = new World({ agents: [], term: 5 })
  formed.agents.set(agentId('A'), world.agent('A'))
  formed.step('A', { type: 'home', slot: theSlot, term: formed.term })
  formed.settle()
  assert.equal(read(formed, 'A'), 'absent')
})

test('decision C13: an agent that renews its lease and answers no snoop is renewed no more after 300 ms, and a writer waits for that lease', () => {
  const world = new World({ limits: { renewMs: 10 } })
  assert.equal(write(world, 'B', set('0')), 'done')
  assert.equal(read(world, 'A', l), 'absent')
  const from = world.now
  const id = world.write('A', k, set('1'))
  const renewed: number[] = []
  for (;;) {
    for (let [one] = world.letters; one !== undefined || world.log.length > 0; [one] = world.letters) {
      if (one === undefined) world.apply()
      else if (one.type === 'to-agent' && one.message.type === 'snoop') world.drop(one)
      else {
        if (one.type === 'to-agent' && one.to === agentId('B') && one.message.type === 'renewed') renewed.push(world.now - from)
        world.deliver(one)
      }
    }
    if (outcomeOf(world, id) !== '…' || world.now > 3_000) break
    world.pass(10)
    world.tickHome()
    for (const name of ['A', 'B']) world.tickAgent(name)
  }
  const { snoopPatienceMs, leaseMs, marginMs } = world.limits
  const last = snoopPatienceMs - 10
  assert.deepEqual(
    renewed,
    Array.from({ length: last / 10 }, (_, at) => 10 * (at + 1)),
  )
  assert.deepEqual([outcomeOf(world, id), world.now - from], ['done', last + leaseMs + marginMs])
})

test('decision C13: an agent that says that it keeps what it was told to drop has not answered', () => {
  const world = new World()
  assert.equal(write(world, 'B', set('0')), 'done')
  const id = world.write('A', k, set('1'))
  let lies = 0
  for (let ms = 0; ms < 1_600 && outcomeOf(world, id) === '…'; ms += 50) {
    for (const one of world.letters.slice())
      if (one.type === 'to-agent' && one.message.type === 'snoop' && one.to === agentId('B')) {
        const { slot, term, session, key, grant } = one.message
        world.drop(one)
        const message = { type: 'snooped', slot, term, session, key, grant, kept: true, dirty: null } as const
        world.homeDid(world.home, world.home.step({ type: 'message', from: agentId('B'), message }, world.now))
        lies++
      } else world.deliver(one)
    applyAll(world)
    world.pass(50)
    world.tickHome()
    for (const name of ['A', 'B']) world.tickAgent(name)
  }
  assert.deepEqual([outcomeOf(world, id), lies > 1], ['done', true])
})
