import assert from 'node:assert/strict'
import { test } from 'node:test'
import { millis } from '#base/brand.ts'
import { QueueSdkWorld } from '#test/harness/queue-sdk-world.ts'
import { Lease } from './lease.ts'

const termsOf = (sentAt: number, visibilityMs: number): { readonly sentAt: ReturnType<typeof millis>; readonly visibilityMs: number } => ({
  sentAt: millis(sentAt),
  visibilityMs,
})

test('an extension that shortens counts from when it is sent, whatever becomes of it', () => {
  const lease = new Lease({ now: () => millis(100) }, termsOf(0, 30_000))
  assert.equal(lease.trustedUntil, 26_950)
  const shorter = termsOf(100, 2_000)
  lease.extending(shorter)
  assert.equal(lease.trustedUntil, 1_850)
  lease.extended(shorter)
  assert.equal(lease.trustedUntil, 1_850)
})

test('of several extensions under way the shortest counts, from when the answered one was sent, and late answers say nothing', () => {
  const lease = new Lease({ now: () => millis(300) }, termsOf(0, 30_000))
  const [long, short, longest] = [termsOf(100, 60_000), termsOf(200, 2_000), termsOf(300, 90_000)]
  for (const terms of [long, short, longest]) lease.extending(terms)
  lease.extended(longest)
  assert.equal(lease.trustedUntil, 300 + 1_800 - 50, 'the short one may be carried out last')
  lease.extended(long)
  lease.extended(short)
  assert.equal(lease.trustedUntil, 300 + 1_800 - 50)
  const anew = termsOf(400, 10_000)
  lease.extending(anew)
  lease.extended(anew)
  assert.equal(lease.trustedUntil, 400 + 9_000 - 50)
})

test('whoever asks for the signal of a lease, also again, looks at the clock', () => {
  let now = 0
  const lease = new Lease({ now: () => millis(now) }, termsOf(0, 30_000))
  assert.equal(lease.signal.aborted, false)
  now = 27_000
  assert.equal(lease.signal.aborted, true)
})

test('a message that is extended for a shorter time is lost before the service can give it to another', async () => {
  const scene = await QueueSdkWorld.start()
  const [{ sdk, clock }, other] = [await scene.client('shortens'), await scene.client('waits')]
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.send(1))
  const [message] = await scene.world.answer(orders.receive())
  assert.ok(message !== undefined)
  const lost = Promise.withResolvers<number>()
  message.signal.addEventListener('abort', () => lost.resolve(clock.now()))
  await scene.world.answer(message.extend(2_000))
  const next = other.sdk.queue<number>('orders').receive({ waitMs: 10_000 })
  const nextAt = next.then(([again]) => (again?.deliveryCount === 2 ? clock.now() : 0))
  assert.ok((await scene.world.answer(lost.promise)) < (await scene.world.answer(nextAt)))
  await scene.world.answer(sdk.close())
  await scene.world.answer(other.sdk.close())
})

test('a worker keeps a message that its handler has extended for a shorter time', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk } = await scene.client()
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.send(1))
  const [begun, finish] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()]
  const worker = orders.work(async (message, { signal }) => {
    await message.extend(1_000)
    begun.resolve(signal)
    await finish.promise
  })
  const signal = await scene.world.answer(begun.promise)
  await scene.world.run(5_000)
  assert.equal(signal.aborted, false)
  finish.resolve()
  await scene.world.answer(worker.stop())
  await scene.world.answer(sdk.close())
})
