import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QueueSdkWorld } from '#test/harness/queue-sdk-world.ts'
import type { Queue } from './queue.ts'

/** What is in the queue, in the order in which it is delivered. */
async function payloadsOf<T>(scene: QueueSdkWorld, queue: Queue<T>): Promise<readonly T[]> {
  const messages = await scene.world.answer(queue.receive({ max: 1_000 }))
  return messages.map(({ payload }) => payload)
}

function disconnect(scene: QueueSdkWorld): void {
  for (const { name } of scene.world.nodes) {
    scene.unreachable.add(name)
    scene.cut(name)
  }
}

test('a message that was told a timeout or its abortion before its batch was sent is left out of it', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk } = await scene.client('client', 10_000)
  const orders = sdk.queue<string>('orders')
  await scene.world.answer(orders.send('first'))
  disconnect(scene)
  const controller = new AbortController()
  const aborted = scene.refusal(orders.send('aborted', { signal: controller.signal }))
  const alone = scene.refusal(orders.send('alone'))
  await scene.world.run(1_000)
  const early = scene.refusal(orders.send('early'))
  controller.abort()
  await scene.world.run(8_000)
  const late = orders.send('late')
  assert.deepEqual([await alone, await aborted, await early], ['timeout', 'aborted', 'timeout'])
  scene.unreachable.clear()
  await scene.world.answer(late)
  assert.deepEqual(await payloadsOf(scene, orders), ['first', 'late'])
  await scene.world.answer(sdk.close())
})

test('a batch that nobody waits for any more is not sent, and the next one is', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk } = await scene.client()
  const orders = sdk.queue<string>('orders')
  await scene.world.answer(orders.send('first'))
  disconnect(scene)
  const controller = new AbortController()
  const aborted = scene.refusal(orders.send('aborted', { signal: controller.signal }))
  await scene.world.run(100)
  controller.abort()
  const next = orders.send('next')
  scene.unreachable.clear()
  await scene.world.answer(next)
  assert.equal(await aborted, 'aborted')
  assert.deepEqual(await payloadsOf(scene, orders), ['first', 'next'])
  await scene.world.answer(sdk.close())
})
