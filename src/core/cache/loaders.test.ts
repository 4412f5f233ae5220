import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyAll, k, l, outcomeOf, read, set, write } from './scenario.ts'
import { World } from './testkit.ts'
import type { Grant, Key } from './types.ts'

/** Who may load what is absent, and for how long (decision C10). */

function tokenOf(world: World, id: number): Grant {
  const answer = world.witness.answers.get(id)
  assert.ok(answer?.type === 'load')
  return answer.token
}

const fill = (world: World, name: string, key: Key): number => {
  const id = world.read(name, key, { fill: true })
  world.settle()
  return id
}

/** Time goes on; everything works. */
function runUntil(world: World, ms: number): void {
  while (world.now < ms) world.run(10)
}

test('decision C10: loaders that load what each other loads wait until their tokens are over, and no longer', () => {
  const world = new World()
  const tokens = [tokenOf(world, fill(world, 'A', k)), tokenOf(world, fill(world, 'B', l))] as const
  // A, to load `k`, wants `l`; B, to load that, wants `k`.
  const [a, b] = [fill(world, 'A', l), fill(world, 'B', k)]
  runUntil(world, world.limits.fillMs - 10)
  assert.deepEqual([outcomeOf(world, a), outcomeOf(world, b)], ['…', '…'])
  runUntil(world, world.limits.fillMs)
  assert.deepEqual([outcomeOf(world, a), outcomeOf(world, b)], ['load', 'load'])
  // Each has what it wanted by now, and what it loaded first is not stored.
  const store = (name: string, key: Key, token: Grant): string => {
    const id = world.write(name, key, set(name, { type: 'token', token }))
    world.settle()
    return outcomeOf(world, id)
  }
  assert.deepEqual([store('A', k, tokens[0]), store('B', l, tokens[1])], ['mismatch', 'mismatch'])
  assert.deepEqual([store('A', l, tokenOf(world, a)), store('B', k, tokenOf(world, b))], ['done', 'done'])
  assert.deepEqual([read(world, 'A', k), read(world, 'B', l)], ['B', 'A'])
})

test('decision C10: when the lease of a loader is over another may load, and what the first one brings is refused', () => {
  const world = new World()
  const first = tokenOf(world, fill(world, 'A', k))
  const waiting = fill(world, 'B', k)
  const opened = world.now
  const { leaseMs, marginMs, fillMs } = world.limits
  // A stands still.
  const until = opened + leaseMs + marginMs
  assert.ok(until < fillMs)
  for (; world.now < until; world.pass(10)) {
    world.renew('B')
    world.tickHome()
    world.settle()
    assert.equal(outcomeOf(world, waiting), '…')
  }
  world.tickHome()
  applyAll(world)
  world.tickHome()
  world.settle()
  const second = tokenOf(world, waiting)
  world.tickAgent('A')
  assert.equal(write(world, 'A', set('late', { type: 'token', token: first })), 'mismatch')
  assert.equal(write(world, 'B', set('loaded', { type: 'token', token: second })), 'done')
  assert.equal(read(world, 'A'), 'loaded')
})

test('decision C10: what a loader has sent and that comes after its session is closed is not stored', () => {
  const world = new World({ limits: { lingerMs: 0 } })
  const token = tokenOf(world, fill(world, 'A', k))
  assert.equal(read(world, 'B', l), 'absent')
  const late = world.write('A', k, set('late', { type: 'token', token }))
  const [asked] = world.letters
  assert.ok(asked !== undefined)
  world.letters = []
  for (const ms of [500, world.limits.leaseMs + world.limits.marginMs - 500]) {
    world.pass(ms)
    world.renew('B')
  }
  world.tickHome()
  applyAll(world)
  world.arrive(asked)
  applyAll(world)
  assert.equal(read(world, 'B'), 'absent')
  assert.equal(outcomeOf(world, late), 'unknown')
})

test('decision C10: a token is of the agent that it was given to, whoever else may know it', () => {
  const world = new World()
  const token = tokenOf(world, fill(world, 'A', k))
  assert.equal(write(world, 'B', set('guessed', { type: 'token', token })), 'mismatch')
  assert.equal(write(world, 'A', set('loaded', { type: 'token', token })), 'done')
})
