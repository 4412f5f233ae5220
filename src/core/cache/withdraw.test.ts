import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyAll, deliver, k, l, letter, outcomeOf, read, set, write } from './scenario.ts'
import { World, describeLetter, theSlot } from './testkit.ts'
import type { Grant } from './types.ts'

interface Waiting {
  readonly world: World
  readonly token: Grant
  /** Of B. */
  readonly fill: number
}

/** A loads, and B waits for it. */
function waiting(): Waiting {
  const world = new World({ agents: ['A', 'B', 'C'] })
  for (const name of ['B', 'C']) read(world, name, l)
  const loading = world.read('A', k, { fill: true })
  world.settle()
  const fill = world.read('B', k, { fill: true })
  world.settle()
  assert.equal(outcomeOf(world, fill), '…')
  return { world, token: tokenOf(world, loading), fill }
}

function tokenOf(world: World, id: number): Grant {
  const answer = world.witness.answers.get(id)
  assert.ok(answer?.type === 'load')
  return answer.token
}

test('decision C10: who waits for a loader reads absent meanwhile, without waiting for it, and is given what is loaded', () => {
  const { world, token, fill } = waiting()
  const from = world.now
  assert.equal(read(world, 'B'), 'absent')
  assert.equal(read(world, 'B'), 'absent')
  assert.equal(world.now, from)
  assert.equal(outcomeOf(world, fill), '…')
  assert.equal(write(world, 'A', set('loaded', { type: 'token', token })), 'done')
  assert.equal(outcomeOf(world, fill), 'loaded')
})

test('decision C10: a write of who waits for a loader takes the token at once', () => {
  const { world, token, fill } = waiting()
  const from = world.now
  assert.equal(write(world, 'B', set('new')), 'done')
  assert.equal(outcomeOf(world, fill), 'new')
  assert.equal(world.now, from)
  assert.equal(write(world, 'A', set('old', { type: 'token', token })), 'mismatch')
  assert.equal(read(world, 'C'), 'new')
})

test('decision C10: a fill whose withdrawal overtakes it is no fill', () => {
  const { world, token } = waiting()
  const fill = world.read('C', k, { fill: true })
  const plain = world.read('C', k)
  const [asked, withdrawn] = world.letters
  assert.ok(asked !== undefined && withdrawn !== undefined)
  assert.deepEqual([asked, withdrawn].map(describeLetter), ['home ← C #2 k BusRd to fill', 'home ← C #2 k BusRd'])
  world.deliver(withdrawn)
  world.deliver(asked)
  world.settle()
  assert.equal(outcomeOf(world, plain), 'absent')
  assert.equal(outcomeOf(world, fill), '…')
  assert.equal(write(world, 'A', set('loaded', { type: 'token', token })), 'done')
  assert.equal(outcomeOf(world, fill), 'loaded')
})

test('decision C10: a token that crosses the withdrawal is taken, and is good', () => {
  const { world, token, fill } = waiting()
  world.write('A', k, { type: 'delete', condition: { type: 'token', token } })
  deliver(world, 'home ← A')
  applyAll(world)
  deliver(world, 'A ← home #', 'A ← home Downgrade', 'home ← A snooped')
  assert.match(describeLetter(letter(world, 'B ← home #')), /load/)
  const plain = world.read('B', k)
  deliver(world, 'home ← B #')
  world.settle()
  assert.equal(outcomeOf(world, plain), 'absent')
  assert.equal(write(world, 'B', set('loaded', { type: 'token', token: tokenOf(world, fill) })), 'done')
  assert.equal(read(world, 'C'), 'loaded')
})

test('decision C10: a withdrawal that is doubled, and one that is lost, are like any request', () => {
  const doubled = waiting()
  const first = doubled.world.read('B', k)
  doubled.world.arrive(letter(doubled.world, 'home ← B'))
  doubled.world.settle()
  assert.equal(outcomeOf(doubled.world, first), 'absent')
  assert.equal(doubled.world.home.state.fills.get(k)?.parked.length, 1)

  const lost = waiting()
  const second = lost.world.read('B', k)
  lost.world.drop(letter(lost.world, 'home ← B'))
  lost.world.run(1_000, () => outcomeOf(lost.world, second) !== '…')
  assert.equal(outcomeOf(lost.world, second), 'absent')
  assert.equal(outcomeOf(lost.world, lost.fill), '…')
})

test('decision C10: a withdrawal that no home has heard of when there is another one keeps nobody waiting', () => {
  const { world, fill } = waiting()
  const plain = world.read('B', k)
  world.changeHome(0)
  for (const name of ['A', 'B', 'C']) world.step(name, { type: 'home', slot: theSlot, term: world.term })
  world.settle()
  assert.equal(outcomeOf(world, plain), 'absent')
  assert.equal(outcomeOf(world, fill), 'load')
})

test('decision C10: a fill that is withdrawn while its turn has not come or has just begun is a read', () => {
  for (const isFirst of [true, false]) {
    const world = new World({ agents: ['A', 'B', 'C'] })
    for (const name of ['A', 'B']) read(world, name, l)
    assert.equal(read(world, 'C'), 'absent')
    if (!isFirst) {
      world.read('A', k)
      deliver(world, 'home ← A')
    }
    const fill = world.read('B', k, { fill: true })
    deliver(world, 'home ← B')
    const plain = world.read('B', k)
    deliver(world, 'home ← B')
    assert.deepEqual(
      world.home.state.queues.get(k)?.map(({ body }) => body.type),
      isFirst ? ['read'] : ['read', 'read'],
    )
    world.settle()
    assert.deepEqual([outcomeOf(world, plain), outcomeOf(world, fill)], ['absent', 'load'])
  }
})
