import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { QueueScene } from '#test/harness/queue-scene.ts'
import { TestCall } from '#test/harness/service-world.ts'

/** What the predecessor of this queue did wrong. */

test('defect 7: a message that was consumed is there when the node that had it is killed, and comes again', async () => {
  const scene = await QueueScene.start()
  const id = await scene.produce('n1', 'q')
  equal((await scene.consume('n2', 'q'))?.message_id, id)
  const node = await scene.killOwner('q')
  const again = await scene.consume(node, 'q', 10_000)
  deepEqual([again?.message_id, again?.delivery_count], [id, 2])
})

test('defect 8: a queue whose node is down gives its messages, and takes new ones, at any other', async () => {
  const scene = await QueueScene.start()
  const first = await scene.produce('n1', 'q')
  const node = await scene.killOwner('q')
  equal((await scene.consume(node, 'q', 5_000))?.message_id, first)
  const second = await scene.produce(node, 'q')
  equal((await scene.consume(node, 'q', 5_000))?.message_id, second)
})

test('defect 9: an ack counts at whichever node it is said', async () => {
  const scene = await QueueScene.start()
  for (const node of ['n1', 'n2', 'n3']) {
    const id = await scene.produce('n1', 'q')
    await scene.consume('n2', 'q')
    equal(await scene.ack(node, id), 'acknowledged')
  }
})

test('defect 10: a message that comes again has its id and its counts, and is dead when it has failed too often', async () => {
  const scene = await QueueScene.start()
  await scene.told(scene.world.queues('n1').putQueue({ queue: 'q', max_failures: 2 }, new TestCall()))
  const id = await scene.produce('n1', 'q')
  await scene.consume('n1', 'q')
  await scene.world.run(5_500)
  const again = await scene.consume('n2', 'q')
  deepEqual([again?.message_id, again?.delivery_count, again?.failed_count], [id, 2, 1])
  await scene.world.run(5_500)
  equal(await scene.consume('n3', 'q'), undefined)
  const dead = await scene.told(scene.world.queues('n3').peek({ queue: 'q', state: 'dead' }, new TestCall()))
  deepEqual(
    dead.messages.map(({ message_id: each }) => each),
    [id],
  )
})

test('defect 11: queues whose names look like keys of a store are queues like any other, and a status tells of them', async () => {
  const scene = await QueueScene.start()
  const names = ['queue:*', 'lockstep:{1}:log', 'a/b%2F', 'q'.repeat(256)]
  for (const name of names) await scene.produce('n1', name)
  const { queues } = await scene.told(scene.world.queues('n2').queues({}, new TestCall()))
  deepEqual(
    queues.map(({ queue, ready }) => [queue, ready]),
    names.toSorted().map((name) => [name, 1]),
  )
})
