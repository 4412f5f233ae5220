import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queueSdkLimits as limits } from './limits.ts'
import { QueueSdkWorld } from '#test/harness/queue-sdk-world.ts'

test('from a queue that leases for less than a second, messages are received for a second', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk } = await scene.client()
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.create({ visibilityTimeoutMs: 50 }))
  await scene.world.answer(orders.send(1))
  const [message] = await scene.world.answer(orders.receive({ waitMs: 100 }))
  assert.ok(message !== undefined)
  assert.deepEqual([message.visibilityTimeoutMs, message.isHeld], [1_000, true])
  await scene.world.answer(message.ack())
  await scene.world.answer(sdk.close())
})

test('a receive whose signal aborts ends though its connection breaks before the node has answered', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, sent, clock } = await scene.client()
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.create())
  const controller = new AbortController()
  const waiting = scene.refusal(orders.receive({ waitMs: 10_000, signal: controller.signal }))
  await scene.world.run(50)
  const consumes = sent.filter(({ message }) => message.type === 'consume').length
  const abortedAt = clock.now()
  controller.abort()
  for (const { name } of scene.world.nodes) scene.cut(name)
  assert.equal(await waiting, 'aborted')
  assert.ok(clock.now() - abortedAt < 100)
  await scene.world.run(1_000)
  assert.equal(sent.filter(({ message }) => message.type === 'consume').length, consumes)
  await scene.world.answer(sdk.close())
})

test('a receive whose signal aborts ends at once though its node is silent, and what that delivers later is given back', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, clock } = await scene.client()
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.create())
  const controller = new AbortController()
  const waiting = scene.refusal(orders.receive({ waitMs: 10_000, signal: controller.signal }))
  await scene.world.run(50)
  for (const { name } of scene.world.nodes) scene.unreachable.add(name)
  const abortedAt = clock.now()
  controller.abort()
  assert.equal(await waiting, 'aborted')
  assert.equal(clock.now() - abortedAt, 0)
  await scene.world.run(50)
  scene.unreachable.clear()
  const other = await scene.client('other')
  await scene.world.answer(other.sdk.queue<number>('orders').send(1))
  const [message] = await scene.world.answer(other.sdk.queue<number>('orders').receive({ waitMs: 2_000 }))
  assert.deepEqual([message?.payload, message?.deliveryCount, message?.failedCount], [1, 2, 0])
  await scene.world.answer(sdk.close())
  await scene.world.answer(other.sdk.close())
})

test('a receive whose signal aborts ends at once though nobody has told where its queue is', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, clock } = await scene.client()
  for (const { name } of scene.world.nodes) scene.unreachable.add(name)
  const controller = new AbortController()
  const waiting = scene.refusal(sdk.queue<number>('orders').receive({ waitMs: 10_000, signal: controller.signal }))
  await scene.world.run(50)
  const abortedAt = clock.now()
  controller.abort()
  assert.equal(await waiting, 'aborted')
  assert.equal(clock.now() - abortedAt, 0)
  await scene.world.answer(sdk.close())
})

test('a receive with a signal says that the client is closed', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk } = await scene.client()
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.send(1))
  await scene.world.answer(sdk.close())
  assert.equal(await scene.refusal(orders.receive({ signal: new AbortController().signal })), 'closed')
})

test('a visibility that is changed while a program runs is that of its deliveries soon, and no receive waits for it', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk, sent } = await scene.client()
  const orders = sdk.queue<number>('orders')
  await scene.world.answer(orders.create({ visibilityTimeoutMs: 20_000 }))
  const asked = async (): Promise<number> => {
    sent.length = 0
    await scene.world.answer(orders.receive())
    const message = sent.map((each) => each.message).find(({ type }) => type === 'consume')
    return message?.type === 'consume' ? message.visibilityMs : 0
  }
  assert.equal(await asked(), 20_000)
  const other = await scene.client('other')
  await scene.world.answer(other.sdk.queue('orders').create({ visibilityTimeoutMs: 40_000 }))
  await scene.world.run(limits.placeFreshMs)
  assert.equal(await asked(), 20_000, 'it is asked for beside that')
  await scene.world.run(1_000)
  assert.equal(await asked(), 40_000)
})
