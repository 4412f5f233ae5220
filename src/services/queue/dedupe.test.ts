import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import type { EnqueuedItem, ProducedMessage } from '#api/queues/produce.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { parseMessageId } from '#core/queue/message-id.ts'
import { partitionOf, slotOf } from '#core/ring/partition.ts'
import { QueueScene } from '#test/harness/queue-scene.ts'
import { TestCall } from '#test/harness/service-world.ts'
import { queueSlots } from './limits.ts'

const body = Buffer.from('"body"') as Uint8Array as JsonBytes

async function send(scene: QueueScene, node: string, ...messages: readonly Omit<ProducedMessage, 'message'>[]): Promise<EnqueuedItem[]> {
  const request = { queue: 'q', messages: messages.map((terms) => ({ message: body, ...terms })) }
  const items = await scene.told(scene.world.queues(node).produce(request, new TestCall()))
  return items.map((item) => present(item.ok ? item.value : null, item.ok ? '' : item.error.code))
}

const idsOf = (items: readonly EnqueuedItem[]): readonly string[] => items.map(({ message_id: id }) => id)
const areDuplicates = (items: readonly EnqueuedItem[]): boolean => items.every(({ duplicate }) => duplicate === true)

test('scenario dedupe: a message that is sent again after its leader has died, and after all have, is the one that is there', async () => {
  const scene = await QueueScene.start()
  const [first] = await send(scene, 'n1', { dedupe_id: 'once' })
  const owner = await scene.ownerOf('q')
  const node = await scene.killOwner('q')
  notEqual((await scene.ownerOf('q')).name, owner.name, 'another leads')
  const again = { ...present(first, 'it was taken'), node: (await scene.ownerOf('q')).name, duplicate: true }
  deepEqual(await send(scene, node, { dedupe_id: 'once' }), [again])
  for (const each of scene.world.nodes) {
    if (!each.down) scene.world.crash(each)
    scene.world.restart(each)
  }
  await scene.world.run(5_000)
  const last = await send(scene, node, { dedupe_id: 'once' })
  deepEqual([idsOf(last), areDuplicates(last)], [[again.message_id], true])
  equal((await scene.consume(node, 'q'))?.message_id, again.message_id)
  equal(await scene.consume(node, 'q'), undefined)
})

test('decision Q5: a name that a producer gives travels as a header and is what a second message is known by, and no id to ack', async () => {
  const scene = await QueueScene.start()
  const [first] = await send(scene, 'n1', { message_id: 'order-7', headers: { trace: 't' } })
  const id = present(first, 'it was taken').message_id
  notEqual(id, 'order-7')
  const again = await send(scene, 'n2', { message_id: 'order-7' }, { dedupe_id: 'order-7' })
  deepEqual([idsOf(again), areDuplicates(again)], [[id, id], true])
  const [other] = await send(scene, 'n3', { message_id: 'order-7', dedupe_id: 'another' })
  equal(other?.duplicate, undefined, 'the dedupe id is what counts where there are both')
  const [one, two] = [await scene.consume('n2', 'q'), await scene.consume('n2', 'q')]
  deepEqual([one?.message_id, one?.headers], [id, { trace: 't', message_id: 'order-7' }])
  deepEqual(two?.headers, { message_id: 'order-7' })
  equal(await scene.ack('n1', 'order-7'), 'unknown_message')
  equal(await scene.ack('n1', id), 'acknowledged')
})

test('decision Q6: the partition of a message without a key follows from its dedupe id, so whoever sends it again finds the window that knows it', async () => {
  const scene = await QueueScene.start()
  const partitions = 8
  await scene.told(scene.world.queues('n1').putQueue({ queue: 'q', partitions }, new TestCall()))
  const names = Array.from({ length: 24 }, (_, at) => `job-${at}`)
  const terms = names.map((name, at) => (at % 2 === 0 ? { dedupe_id: name } : { message_id: name }))
  const sent = await send(scene, 'n1', ...terms)
  deepEqual(
    idsOf(sent).map((id) => parseMessageId(id)?.slot),
    names.map((name) => slotOf('q', partitionOf(name, partitions), queueSlots)),
  )
  ok(new Set(names.map((name) => partitionOf(name, partitions))).size > 4, 'they are spread')
  const again: EnqueuedItem[] = []
  for (const term of terms) again.push(...(await send(scene, 'n2', term)))
  deepEqual([idsOf(again), areDuplicates(again)], [idsOf(sent), true])
})
