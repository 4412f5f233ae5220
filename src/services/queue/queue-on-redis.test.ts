import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import { parseMessageId } from '#core/queue/message-id.ts'
import { RedisQueueWorld } from '#test/harness/redis-queue-world.ts'
import { TestCall } from '#test/harness/service-world.ts'
import { catalogueGroup } from './limits.ts'

const slotOf = (id: string): number => present(parseMessageId(id), 'it is an id').slot

test('with slots in Redis, what any node took any node delivers, and any node takes its ack', async () => {
  const world = await RedisQueueWorld.start()
  const [first = ''] = await world.produce('a', 'orders', 1, 2)
  await world.produce('b', 'orders', 3)
  const taken = await world.consume('c', 'orders')
  deepEqual(
    taken.map(({ said }) => said),
    [1, 2, 3],
  )
  equal(await world.ack('a', first), 'acknowledged')
  equal(await world.ack('b', first), 'unknown_message')
  await world.run(31_000)
  deepEqual(
    (await world.consume('b', 'orders')).map(({ said, deliveries }) => [said, deliveries]),
    [
      [2, 2],
      [3, 2],
    ],
  )
})

test('a successor delivers what the owner that died had acknowledged, and counts nothing of what happened before it', async () => {
  const world = await RedisQueueWorld.start()
  const ids = await world.produce('a', 'orders', ...Array.from({ length: 20 }, (_, at) => at))
  const slot = slotOf(ids[0] ?? '')
  const owner = world.ownerOf(slot)
  equal(world.counted(owner, 'enqueued'), 20)
  world.redis.crash(owner)
  const [other = ''] = world.others(owner)
  const taken = await world.consume(other, 'orders', { max: 100, wait_ms: 10_000 })
  equal(taken.length, 20)
  const successor = world.ownerOf(slot)
  equal(world.counted(successor, 'enqueued'), 0)
  equal(world.counted(successor, 'delivered'), 20)
})

test('a lease that ran out while Redis was out of reach ends when it is there again', async () => {
  const world = await RedisQueueWorld.start()
  const [id = ''] = await world.produce('a', 'orders', 'x')
  const owner = world.ownerOf(slotOf(id))
  equal((await world.consume('a', 'orders', { visibility_ms: 1_500 })).length, 1)
  for (const name of RedisQueueWorld.names) world.redis.server.cutOff(name)
  await world.run(4_000)
  world.redis.server.heal()
  await world.run(3_000)
  equal(world.ownerOf(slotOf(id)), owner, 'nobody took the slot meanwhile')
  deepEqual(
    (await world.consume(owner, 'orders')).map(({ deliveries }) => deliveries),
    [2],
  )
})

test('a consumer that waits at an owner that dies gets the message that its successor takes', async () => {
  const world = await RedisQueueWorld.start()
  const [id = ''] = await world.produce('a', 'orders', 'first')
  const owner = world.ownerOf(slotOf(id))
  const [waits = '', sends = ''] = world.others(owner)
  await world.consume(waits, 'orders')
  await world.ack(waits, id)
  const waiting = world.consume(waits, 'orders', { wait_ms: 30_000 })
  await world.run(500)
  world.redis.crash(owner)
  await world.produce(sends, 'orders', 'second')
  deepEqual(
    (await waiting).map(({ said }) => said),
    ['second'],
  )
})

test('a node that owned the catalogue, and lost it while it was asked, asks the new owner', async () => {
  const world = await RedisQueueWorld.start()
  const home = world.ownerOf(catalogueGroup)
  const [other = ''] = world.others(home)
  await world.produce(other, 'orders', 1)
  world.redis.server.cutOff(home)
  await world.run(1_000)
  const asked = world.queues(home).queue({ queue: 'orders' }, new TestCall())
  await world.run(3_000)
  world.redis.server.heal()
  const view = await world.answer(asked)
  ok(view.ok, view.ok ? '' : view.error.code)
  ok(world.ownerOf(catalogueGroup) !== home, 'another has it')
})

test('with slots in Redis the members are those that run, and nobody is told to leave', async () => {
  const world = await RedisQueueWorld.start()
  const operators = world.operators('a')
  const call = new TestCall()
  const seen = await operators.members({}, call)
  deepEqual(seen.ok && [seen.value.constants, seen.value.members.map(({ node_id: id, state }) => [id, state])], [
    null,
    [
      ['a', 'active'],
      ['b', 'active'],
      ['c', 'active'],
    ],
  ])
  const refused = [
    await operators.leave({}, call),
    await operators.remove({ node_id: 'b', force: true }, call),
    await operators.transfer({ from: 'b' }, call),
    await operators.rebalance({}, call),
  ]
  deepEqual(
    refused.map((outcome) => (outcome.ok ? '' : outcome.error.code)),
    ['unsupported', 'unsupported', 'unsupported', 'unsupported'],
  )
})

/**
 * Redis hesitates: the owner’s lease is over before its next beat is confirmed, and no connection breaks. Gives when that is; `until` says how long
 * after it a call arrives.
 */
async function hesitating(world: RedisQueueWorld, owner: string, until: (call: string) => number): Promise<number> {
  const { scheduler, server } = world.redis
  const { node, machine } = world.redis.get(owner)
  const { leaseUntil } = node.host
  while (node.host.leaseUntil === leaseUntil) await world.run(5)
  // What comes with this beat is over by then, and the next one is not sent yet.
  await world.run(400)
  const lapses = scheduler.now + node.host.leaseUntil - machine.now()
  server.heldMs = ({ call }) => Math.max(0, lapses + until(call) - scheduler.now)
  return lapses
}

/** The owner of the slot of a queue that is empty. */
async function ownerOfEmpty(world: RedisQueueWorld): Promise<string> {
  const [id = ''] = await world.produce('a', 'orders', 'first')
  const owner = world.ownerOf(slotOf(id))
  await world.consume(owner, 'orders')
  await world.ack(owner, id)
  return owner
}

test('a lease that runs out while its owner waits for Redis ends as soon as that answers', async () => {
  const world = await RedisQueueWorld.start()
  const [id = ''] = await world.produce('a', 'orders', 'x')
  const owner = world.ownerOf(slotOf(id))
  const { epoch } = world.redis.slot(owner, slotOf(id))
  equal((await world.consume(owner, 'orders', { visibility_ms: 2_600 })).length, 1)
  const leasedUntil = world.redis.scheduler.now + 2_600
  const lapses = await hesitating(world, owner, () => 300)
  ok(lapses < leasedUntil && leasedUntil < lapses + 300, `it runs out ${leasedUntil - lapses} ms after that of its owner`)
  while (world.redis.scheduler.now < lapses + 600) await world.run(5)
  equal(world.redis.slot(owner, slotOf(id)).epoch, epoch, 'nobody took the slot meanwhile')
  deepEqual(
    (await world.consume(owner, 'orders')).map(({ deliveries }) => deliveries),
    [2],
  )
})

test('a consumer that waits gets what was confirmed while its owner was without a lease', async () => {
  const world = await RedisQueueWorld.start()
  const owner = await ownerOfEmpty(world)
  const lapses = await hesitating(world, owner, (call) => (call === 'append' ? 100 : 300))
  const waiting = world.consume(owner, 'orders', { wait_ms: 30_000 })
  await world.produce(owner, 'orders', 'second')
  ok(world.redis.scheduler.now < lapses + 300)
  deepEqual(
    (await waiting).map(({ said }) => said),
    ['second'],
  )
  ok(world.redis.scheduler.now < lapses + 500, `it took ${world.redis.scheduler.now - lapses} ms`)
})

test('what is produced while its owner is without a lease is answered as soon as that has one again', async () => {
  const world = await RedisQueueWorld.start()
  const owner = await ownerOfEmpty(world)
  const lapses = await hesitating(world, owner, () => 300)
  while (world.redis.scheduler.now < lapses + 100) await world.run(5)
  await world.produce(owner, 'orders', 'second')
  ok(world.redis.scheduler.now < lapses + 500, `it took ${world.redis.scheduler.now - lapses} ms`)
})
