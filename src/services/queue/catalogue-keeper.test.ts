import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { encodeCatalogueCommand } from '#core/queue/catalogue-codec.ts'
import { defaultSettings } from '#core/queue/limits.ts'
import { queueName } from '#core/queue/types.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { catalogueGroup, queueServiceLimits } from './limits.ts'
import { QueueWorld } from '#test/harness/queue-world.ts'
import { TestCall } from '#test/harness/service-world.ts'

/** A queue of several partitions with a message in each slot, and somebody who changes its settings in the catalogue and is gone. */
async function changedByTheDead(world: QueueWorld): Promise<void> {
  const queues = world.queues('n1')
  await world.answer(queues.putQueue({ queue: 'q', partitions: 4 }, new TestCall()))
  const messages = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key) => ({ message: Buffer.from('1') as Uint8Array as JsonBytes, key }))
  await world.answer(queues.produce({ queue: 'q', messages }, new TestCall()))
  const put = {
    type: 'put',
    name: queueName('q'),
    partitions: null,
    settings: { ...defaultSettings, paused: true },
    expectedRevision: null,
  }
  const leader = await world.leaderOf(catalogueGroup)
  const command = encodeCatalogueCommand({ ...put, type: 'put' })
  await world.answer(new Promise<void>((done) => leader.node.propose(catalogueGroup, command, () => done())))
}

async function delivered(world: QueueWorld, node: string): Promise<number> {
  const consumed = await world.answer(world.queues(node).consume({ queue: 'q', consumer_id: 'c', max: 10, wait_ms: 0 }, new TestCall()))
  return present(consumed.ok ? consumed.value : null, 'it was answered').messages.length
}

test('settings reach every slot though the node that was asked for them is gone: the leader of the catalogue brings them', async () => {
  const world = await QueueWorld.start()
  await changedByTheDead(world)
  await world.run(2 * queueServiceLimits.keeperRestMs)
  deepEqual(await Promise.all(['n1', 'n2', 'n3'].map((node) => delivered(world, node))), [0, 0, 0])
})

test('settings reach every slot though the leader of the catalogue dies before it has brought them', async () => {
  const world = await QueueWorld.start()
  await changedByTheDead(world)
  world.crash(await world.leaderOf(catalogueGroup))
  await world.leaderOf(catalogueGroup)
  await world.run(10_000)
  for (const { name } of world.nodes.filter(({ down }) => !down)) equal(await delivered(world, name), 0)
})
