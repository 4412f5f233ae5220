import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { queueName } from '#core/queue/types.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { QueueClientMessage, QueueServerMessage } from '#wire/queue-client-message.ts'
import { QueueWorld } from '#test/harness/queue-world.ts'
import { TestCall } from '#test/harness/service-world.ts'
import { catalogueGroup, queueServiceLimits as limits, queueSlots } from './limits.ts'

const names = ['n1', 'n2', 'n3']

async function isPaused(world: QueueWorld, node: string, wait = 0): Promise<boolean> {
  const asked = world.queues(node).consume({ queue: 'orders', consumer_id: 'c', max: 1, wait_ms: wait }, new TestCall())
  const consumed = await world.answer(asked)
  return present(consumed.ok ? consumed.value : null, 'it was answered').paused
}

async function put(world: QueueWorld, node: string, change: { readonly paused?: boolean; readonly visibility_ms?: number }): Promise<void> {
  equal((await world.answer(world.queues(node).putQueue({ queue: 'orders', ...change }, new TestCall()))).ok, true)
}

async function located(world: QueueWorld, node: string): Promise<number> {
  const said: QueueServerMessage[] = []
  const peer = world.get(node).server.clients.serve({ send: (message) => void said.push(message), close: () => {} })
  peer.received({ type: 'locate', call: 1, queue: 'orders', create: true, fresh: false } satisfies QueueClientMessage)
  const answer = (): QueueServerMessage | undefined => said.find(({ type }) => type === 'located')
  await world.until('it is told', () => answer() !== undefined)
  const told = present(answer() ?? null, 'it is told')
  return told.type === 'located' ? told.visibilityMs : 0
}

test('settings that were changed by way of one node are those of every node after a while', async () => {
  const world = await QueueWorld.start()
  await put(world, 'n1', {})
  for (const node of names) equal(await isPaused(world, node), false)
  await put(world, 'n1', { paused: true, visibility_ms: 7_000 })
  await world.run(limits.listingOldMs)
  deepEqual(await Promise.all(names.map((node) => isPaused(world, node))), [true, true, true])
  deepEqual(await Promise.all(names.map((node) => located(world, node))), [7_000, 7_000, 7_000])
})

test('who waited at a queue that was paused meanwhile is told so', async () => {
  const world = await QueueWorld.start()
  await put(world, 'n1', {})
  const waiting = isPaused(world, 'n2', 10_000)
  await world.run(5_000)
  await put(world, 'n1', { paused: true })
  equal(await waiting, true)
})

test('a node that is asked without a pause hears of new settings, and waits for none', async () => {
  const world = await QueueWorld.start()
  await put(world, 'n1', {})
  equal(await isPaused(world, 'n2'), false)
  await put(world, 'n1', { paused: true })
  const end = limits.listingFreshMs / 100 + 2
  for (let at = 0; at < end; at++) {
    await isPaused(world, 'n2')
    await world.run(100)
  }
  equal(await isPaused(world, 'n2'), true)
})

test('while the catalogue has no leader a node goes by what it remembers, and waits only a little', async () => {
  const world = await QueueWorld.start()
  const keeper = await world.leaderOf(catalogueGroup)
  const others = world.nodes.filter((node) => node !== keeper)
  const [{ name: asked } = keeper] = others
  const message = Buffer.from('1') as Uint8Array as JsonBytes
  const queues = Array.from({ length: 20 }, (_, at) => `q${at}`)
  const isElsewhere = (queue: string): boolean =>
    others.some(({ node }) => node.leadership(slotOf(queueName(queue), 0, queueSlots)) !== null)
  const queue = present(queues.find(isElsewhere) ?? null, 'the others lead slots')
  const produced = async (withinMs: number): Promise<boolean> =>
    (await world.answer(world.queues(asked).produce({ queue, messages: [{ message }] }, new TestCall()), withinMs)).ok
  equal(await produced(1_000), true)
  await world.run(limits.listingOldMs)
  world.crash(keeper)
  equal(await produced(2 * limits.listingWaitMs), true)
  equal(
    others.some(({ node }) => node.leadership(catalogueGroup) !== null),
    false,
  )
})
