import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { QueueScene } from '#test/harness/queue-scene.ts'

/** What is left of a queue, taken and acked at a node. */
async function drained(scene: QueueScene, node: string): Promise<readonly string[]> {
  const ids: string[] = []
  for (let next = await scene.consume(node, 'q', 6_000); next !== undefined; next = await scene.consume(node, 'q', 6_000)) {
    ids.push(next.message_id)
    await scene.ack(node, next.message_id)
  }
  return ids
}

test('scenario faults: with producers on both sides of a partition, the smaller side takes nothing, and nothing that the other took is lost', async () => {
  const scene = await QueueScene.start()
  const { world } = scene
  const before = await scene.produce('n1', 'q')
  const owner = await scene.ownerOf('q')
  const other = world.nodes.find(({ name }) => name !== owner.name)?.name ?? ''
  world.cutOff(owner)
  const [onSmall, onLarge] = await Promise.all([scene.produce(owner.name, 'q'), scene.produce(other, 'q')])
  equal(['no_leader', 'unknown', 'unavailable'].includes(onSmall), true, onSmall)
  world.network.heal()
  await world.run(3_000)
  const ids = await drained(scene, owner.name)
  deepEqual(ids.slice(0, 2), [before, onLarge])
})

test('scenario faults: the leader dies after the commit and before the answer: the next one answers with the id that it has', async () => {
  const scene = await QueueScene.start()
  const owner = await scene.ownerOf('q')
  await scene.produce(owner.name, 'other')
  const asked = scene.world.nodes.find(({ name }) => name !== owner.name)?.name ?? ''
  scene.world.network.cut(owner.name, asked)
  const sent = scene.produce(asked, 'q')
  await scene.world.run(50)
  scene.world.crash(owner)
  const told = await sent
  scene.world.network.heal()
  const ids = await drained(scene, asked)
  deepEqual(ids, [told])
})

test('scenario faults: a replica that was wiped gets everything again, and is part of a majority with it', async () => {
  const scene = await QueueScene.start()
  const { world } = scene
  const ids = [await scene.produce('n1', 'q'), await scene.produce('n2', 'q')]
  const owner = await scene.ownerOf('q')
  world.crash(owner)
  owner.disk.wipe()
  await world.run(2_000)
  world.restart(owner)
  await world.run(20_000)
  world.crash(world.nodes.find(({ name }) => name !== owner.name) ?? owner)
  await world.run(3_000)
  deepEqual(await drained(scene, owner.name), ids)
})

test('scenario faults: on a full disk nothing new is taken, and what is there is consumed and acked', async () => {
  const scene = await QueueScene.start()
  const id = await scene.produce('n1', 'q')
  for (const node of scene.world.nodes) node.low = true
  equal(await scene.produce('n1', 'q'), 'disk_full')
  equal((await scene.consume('n2', 'q'))?.message_id, id)
  equal(await scene.ack('n3', id), 'acknowledged')
  for (const node of scene.world.nodes) node.low = false
  notEqual(await scene.produce('n1', 'q'), 'disk_full')
})
