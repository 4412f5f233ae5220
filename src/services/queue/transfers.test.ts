import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import type { QueueDetail } from '#api/queues/queues.ts'
import { slotOf } from '#core/ring/partition.ts'
import { QueueScene } from '#test/harness/queue-scene.ts'
import { TestCall } from '#test/harness/service-world.ts'
import { queueServiceLimits, queueSlots } from './limits.ts'

const viewOf = (scene: QueueScene, queue: string): Promise<QueueDetail> =>
  scene.told(scene.world.queues('n1').queue({ queue }, new TestCall()))

/** A dead letter of `q` whose target has no room for it. */
async function withFullTarget(): Promise<{ readonly scene: QueueScene; readonly id: string; readonly inTheWay: string }> {
  const scene = await QueueScene.start()
  const queues = scene.world.queues('n1')
  await scene.told(queues.putQueue({ queue: 'dead', max_length: 1, overflow: 'reject' }, new TestCall()))
  await scene.told(queues.putQueue({ queue: 'q', dead_letter_queue: 'dead' }, new TestCall()))
  const inTheWay = await scene.produce('n1', 'dead')
  equal(await scene.produce('n1', 'dead'), 'queue_full')
  const id = await scene.produce('n1', 'q')
  const { delivery_count: lease } = present(await scene.consume('n1', 'q'), 'it is delivered')
  await scene.told(queues.nack({ refs: [{ message_id: id, lease }], kind: 'reject', delay_ms: null }, new TestCall()))
  return { scene, id, inTheWay }
}

/** When something came into the log of the slot of a queue, in which nothing else goes on. */
async function entriesIn(scene: QueueScene, queue: string, forMs: number): Promise<readonly number[]> {
  const { world } = scene
  const slot = slotOf(queue, 0, queueSlots)
  const { node } = await scene.ownerOf(queue)
  const lastIndex = (): number => present(node.host?.groups.get(slot), 'it leads').raft.lastIndex
  const times: number[] = []
  const end = world.scheduler.now + forMs
  let known = lastIndex()
  while (world.scheduler.now < end) {
    await world.run(20)
    if (lastIndex() > known) times.push(world.scheduler.now)
    known = lastIndex()
  }
  return times
}

test('decision Q11: a dead letter whose target has no room is tried ever more seldom, and shown as pending until it went', async () => {
  const { transferRetryMs, transferRetryMsMax } = queueServiceLimits
  const { scene, id, inTheWay } = await withFullTarget()
  const attempts = await entriesIn(scene, 'dead', 200_000)
  const pauses = attempts.slice(1).map((at, place) => at - present(attempts[place], 'one before it'))
  const expected = pauses.map((_, place) => Math.min(transferRetryMs * 2 ** place, transferRetryMsMax))
  ok(pauses.length >= 7 && expected.at(-1) === transferRetryMsMax, `${pauses.length} pauses`)
  for (const [place, pause] of pauses.entries()) {
    const least = present(expected[place], 'there is one for each')
    ok(pause >= least - 20 && pause < least + 500, `pause ${place + 1} was ${pause} ms, not ${least}`)
  }
  const { dead, dead_pending, ready } = await viewOf(scene, 'q')
  deepEqual({ dead, dead_pending, ready }, { dead: 0, dead_pending: 1, ready: 0 })
  equal((await viewOf(scene, 'dead')).ready, 1)
  await scene.consume('n2', 'dead')
  equal(await scene.ack('n2', inTheWay), 'acknowledged')
  const letter = present(await scene.consume('n3', 'dead', 60_000), 'it has come')
  deepEqual([letter.dead_letter?.queue, letter.dead_letter?.message_id, letter.dead_letter?.reason], ['q', id, 'rejected'])
  equal((await viewOf(scene, 'q')).dead_pending, 0)
})

test('decision Q11: a successor of the leader brings a dead letter that its target did not take', async () => {
  const { scene, id, inTheWay } = await withFullTarget()
  const node = await scene.killOwner('q')
  equal((await scene.told(scene.world.queues(node).queue({ queue: 'q' }, new TestCall()))).dead_pending, 1)
  await scene.consume(node, 'dead', 5_000)
  equal(await scene.ack(node, inTheWay), 'acknowledged')
  const letter = present(await scene.consume(node, 'dead', 60_000), 'it has come')
  equal(letter.dead_letter?.message_id, id)
  equal(await scene.consume(node, 'dead'), undefined, 'and only once')
})
