import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { QueueScene } from '#test/harness/queue-scene.ts'
import { TestCall } from '#test/harness/service-world.ts'

test('scenario lease: a long poll waits as long as it was asked to, ends with the first message, and does not wait for a full batch', async () => {
  const scene = await begun()
  const { world } = scene
  const waiting = async (): Promise<{ readonly tookMs: number; readonly messages: number }> => {
    const since = world.scheduler.now
    const asked = { queue: 'q', consumer_id: 'c', max: 10, wait_ms: 2_000 }
    const { messages } = await scene.told(world.queues('n2').consume(asked, new TestCall()))
    return { tookMs: world.scheduler.now - since, messages: messages.length }
  }
  const empty = await waiting()
  ok(empty.messages === 0 && empty.tookMs >= 2_000 && empty.tookMs < 2_100, JSON.stringify(empty))
  const early = waiting()
  await world.run(500)
  await scene.produce('n3', 'q')
  const arrived = await early
  ok(arrived.messages === 1 && arrived.tookMs >= 500 && arrived.tookMs < 600, JSON.stringify(arrived))
})

test('scenario dead letters: in a chain of queues a letter goes on from each to the next, with its headers, and names the last that it comes from', async () => {
  const scene = await begun()
  const { world } = scene
  const queues = world.queues('n1')
  for (const [queue, next] of [['last'], ['second', 'last'], ['first', 'second']] as const)
    await scene.told(queues.putQueue(next === undefined ? { queue } : { queue, dead_letter_queue: next }, new TestCall()))
  const message = Buffer.from('"body"') as Uint8Array as JsonBytes
  await scene.told(queues.produce({ queue: 'first', messages: [{ message, headers: { trace: 't' } }] }, new TestCall()))
  for (const queue of ['first', 'second']) {
    const { message_id, delivery_count: lease } = present(await scene.consume('n2', queue, 5_000), 'it has come here')
    await scene.told(world.queues('n3').nack({ refs: [{ message_id, lease }], kind: 'reject', delay_ms: null }, new TestCall()))
  }
  const letter = present(await scene.consume('n1', 'last', 5_000), 'it has come to the end')
  deepEqual(
    [Buffer.from(letter.message).toString(), letter.headers, letter.dead_letter?.queue, letter.dead_letter?.reason],
    ['"body"', { trace: 't' }, 'second', 'rejected'],
  )
  equal(await scene.consume('n1', 'second'), undefined)
})

/** There is a queue, and nothing in it. */
async function begun(): Promise<QueueScene> {
  const scene = await QueueScene.start()
  const id = await scene.produce('n1', 'q')
  await scene.consume('n1', 'q')
  await scene.ack('n1', id)
  return scene
}

test('scenario life: consumers that wait when their queue is deleted are told at once, at every node, and a new one of that name is another', async () => {
  const scene = await QueueScene.start()
  const { world } = scene
  await scene.told(world.queues('n1').putQueue({ queue: 'q', partitions: 4 }, new TestCall()))
  const told: string[] = []
  const wait = (node: string): Promise<unknown> =>
    world
      .queues(node)
      .consume({ queue: 'q', consumer_id: node, max: 1, wait_ms: 60_000 }, new TestCall())
      .then((answer) => told.push(answer.ok ? `${answer.value.messages.length} messages` : answer.error.code))
  const waiting = world.nodes.flatMap(({ name }) => [wait(name), wait(name)])
  await world.run(2_000)
  deepEqual(told, [], 'all of them wait')
  const { consumers, consumer_count: count } = await scene.told(world.queues('n1').queue({ queue: 'q' }, new TestCall()))
  const each = world.nodes.map(({ name }) => ({ consumer_id: name, in_flight: 0, waiting: true }))
  deepEqual([consumers.toSorted((left, right) => (left.consumer_id < right.consumer_id ? -1 : 1)), count], [each, 3], 'and are seen to')
  const since = world.scheduler.now
  await scene.told(world.queues('n2').deleteQueue({ queue: 'q' }, new TestCall()))
  await world.answer(Promise.all(waiting), 1_000)
  ok(world.scheduler.now - since < 1_000, `${world.scheduler.now - since} ms`)
  deepEqual(
    told,
    waiting.map(() => 'unknown_queue'),
  )
  const id = await scene.produce('n3', 'q')
  equal((await scene.consume('n1', 'q', 5_000))?.message_id, id)
})
