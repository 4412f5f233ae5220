import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientId, resourceName } from '#core/lock/types.ts'
import { SdkWorld } from '#test/harness/sdk-world.ts'

test('a downgrade that is not answered in time leaves nobody sure of an exclusive lock', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client('a')
  const other = await world.client('b')
  const owner = sdk.owner()
  const lock = await world.answer(owner.lock('r'))
  world.loses = ({ type }) => type === 'answered'
  assert.equal(await world.refusal(lock.downgrade()), 'timeout')
  world.loses = () => false
  await world.answer(other.sdk.lock('r', { mode: 'shared' }))
  assert.deepEqual([lock.mode, lock.isHeld()], ['shared', true])
  assert.equal(await world.answer(lock.upgrade({ ifAvailable: true })), false)
  assert.equal(await world.answer(owner.lock('r', { ifAvailable: true })), null)
})

test('a downgrade that nobody carries out leaves the lock as it was', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client('a')
  const lock = await world.answer(sdk.lock('r'))
  world.node('n1').refuses = 'invalid_request'
  assert.equal(await world.refusal(lock.downgrade()), 'invalid_request')
  world.node('n1').refuses = null
  assert.equal(lock.mode, 'exclusive')
})

test('a wait that somebody takes out of its queue by name ends for its caller', async () => {
  const world = new SdkWorld()
  const { sdk } = await world.client()
  await world.answer(sdk.lock('r'))
  const waiting = world.refusal(sdk.lock('r'), 60_000)
  await world.run(10)
  const owner = { client: clientId('client/2'), session: null }
  const proof = { type: 'as-of', index: world.log.length } as const
  world.execute({ type: 'release', identity: null, owner, resource: resourceName('r'), proof })
  assert.equal(await waiting, 'withdrawn')
})

/** One of its tasks waits for a lock that another client has, until `ending`. */
async function ownerThatWaits() {
  const world = new SdkWorld()
  const { sdk } = await world.client('a')
  const other = await world.client('b')
  await world.answer(other.sdk.lock('r'))
  const owner = sdk.owner()
  const ending = new AbortController()
  const waiting = world.refusal(owner.lock('r', { signal: ending.signal }))
  await world.run(10)
  return { world, owner, ending, waiting }
}

test('ifAvailable does not wait for another task of the same owner that waits for the name', async () => {
  const { world, owner, ending, waiting } = await ownerThatWaits()
  const askedAt = world.scheduler.now
  assert.equal(await world.answer(owner.lock('r', { ifAvailable: true })), null)
  assert.equal(await world.answer(owner.acquireMany([{ name: 'q' }, { name: 'r' }], { ifAvailable: true })), null)
  assert.ok(world.scheduler.now - askedAt < 100)
  ending.abort()
  assert.equal(await waiting, 'aborted')
  assert.equal((await world.answer(owner.lock('q', { ifAvailable: true })))?.isHeld(), true, 'its turn was left')
})

test('what an owner waits for its turn counts as part of its wait', async () => {
  const { world, owner, ending, waiting } = await ownerThatWaits()
  const askedAt = world.scheduler.now
  const second = world.refusal(owner.lock('r', { waitMs: 10_000 }))
  await world.run(9_500)
  ending.abort()
  assert.deepEqual([await waiting, await second], ['aborted', 'lock_timeout'])
  assert.ok(world.scheduler.now - askedAt < 13_000)
})
