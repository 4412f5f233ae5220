import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slotOf } from '#core/ring/partition.ts'
import { queueSlots } from '#services/queue/limits.ts'
import { QueueSdkWorld } from '#test/harness/queue-sdk-world.ts'
import type { Message } from './message.ts'

/** An election, also after a leader that is heard, and the second in which the former leader may answer. */
const withinMs = 3_000

for (const [how, isHeard, hears] of [
  ['hears nobody', true, false],
  ['is not heard', false, true],
  ['neither hears nor is heard', false, false],
] as const) {
  test(`what a leader that ${how} has not answered goes to the next one, and is carried out once`, async () => {
    const scene = await QueueSdkWorld.start()
    const { world } = scene
    const { sdk } = await scene.client('client', 30_000)
    const orders = sdk.queue<number>('orders')
    await world.answer(Promise.all([orders.send(1, { key: 'k' }), orders.send(2, { key: 'k' })]))
    const [first] = await world.answer(orders.receive())
    assert.equal(first?.payload, 1)
    const leader = await world.leaderOf(slotOf('orders', 0, queueSlots))
    for (const { name } of world.nodes) {
      if (name === leader.name) continue
      if (!isHeard) world.network.cut(leader.name, name)
      if (!hears) world.network.cut(name, leader.name)
    }
    const since = world.scheduler.now
    // The next one of the key is delivered once that ack is carried out.
    const waiting = orders.receive({ waitMs: 20_000 })
    await world.answer(Promise.all([first.ack(), orders.send(3, { key: 'k' })]))
    const [second] = await world.answer(waiting)
    assert.deepEqual([second?.payload, second?.deliveryCount], [2, 1])
    const tookMs = world.scheduler.now - since
    assert.ok(tookMs <= withinMs, `${tookMs} ms`)
    world.network.heal()
    await world.answer((second as Message<number>).ack())
    const [third] = await world.answer(orders.receive())
    assert.deepEqual([third?.payload, third?.deliveryCount], [3, 1])
    await world.answer((third as Message<number>).ack())
    await world.run(10_000)
    const { ready, in_flight: inFlight, delayed } = await world.answer(orders.status())
    assert.deepEqual([ready, inFlight, delayed], [0, 0, 0])
    await world.answer(sdk.close())
  })
}

test('a node that has not answered what any node may be asked is left for another one', async () => {
  const scene = await QueueSdkWorld.start()
  const { sdk } = await scene.client('client', 2_000)
  const silent = sdk.node as string
  scene.unreachable.add(silent)
  assert.equal(await scene.refusal(sdk.queues()), 'timeout')
  await scene.world.run(100)
  assert.notEqual(sdk.node, silent)
  assert.deepEqual((await scene.world.answer(sdk.queues())).queues, [])
  await scene.world.answer(sdk.close())
})
