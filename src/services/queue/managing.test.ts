import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { noLeader } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { partitionOf } from '#core/ring/partition.ts'
import type { CatalogueKeeper } from './catalogue-keeper.ts'
import { catalogueGroup, queueSlots } from './limits.ts'
import { Managing } from './managing.ts'
import type { QueueCalls } from './queue-calls.ts'
import { QueueWorld } from '#test/harness/queue-world.ts'
import { TestCall } from '#test/harness/service-world.ts'

test('several that change different settings of one queue at once change all of them', async () => {
  const world = await QueueWorld.start()
  const put = (node: string, change: { readonly paused?: boolean; readonly max_length?: number; readonly ttl_ms?: number }) =>
    world.queues(node).putQueue({ queue: 'orders', ...change }, new TestCall())
  for (let round = 0; round < 2; round++) {
    const paused = round === 0
    const length = 5 + round
    const all = await world.answer(
      Promise.all([put('n1', { paused }), put('n2', { max_length: length }), put('n3', { ttl_ms: 1_000 * length })]),
    )
    deepEqual(
      all.map((each) => each.ok),
      [true, true, true],
    )
    const last = await world.answer(put('n1', {}))
    const { paused: isPaused, max_length, ttl_ms } = last.ok ? last.value.settings : {}
    deepEqual([isPaused, max_length, ttl_ms], [paused, length, 1_000 * length], round === 0 ? 'also when it is made' : '')
  }
})

test('of several that change the same revision of a queue one does, and the others are told of the revision that it has by then', async () => {
  const world = await QueueWorld.start()
  const put = (node: string) => world.queues(node).putQueue({ queue: 'orders', if_revision: 0 }, new TestCall())
  const all = await world.answer(Promise.all([put('n1'), put('n2'), put('n3')]))
  const said = all.map((each) => (each.ok ? each.value.status : each.error.code))
  deepEqual(said.toSorted(), ['created', 'stale_revision', 'stale_revision'])
  const revisions = all.flatMap((each) => (!each.ok && each.error.code === 'stale_revision' ? [each.error.details] : []))
  const made = all.flatMap((each) => (each.ok ? [each.value.revision] : []))
  deepEqual(
    revisions.map((details) => 'revision' in details && details.revision),
    [...made, ...made],
  )
})

/** Messages of these keys, all of them dead. */
async function killed(world: QueueWorld, ...keys: string[]): Promise<void> {
  const queues = world.queues('n1')
  const messages = keys.map((key) => ({ message: Buffer.from('1') as Uint8Array as JsonBytes, key }))
  equal((await world.answer(queues.produce({ queue: 'orders', messages }, new TestCall()))).ok, true)
  for (let left = keys.length; left > 0;) {
    const taken = await world.answer(queues.consume({ queue: 'orders', consumer_id: 'c', max: 100, wait_ms: 0 }, new TestCall()))
    const refs = taken.ok ? taken.value.messages.map(({ message_id, delivery_count: lease }) => ({ message_id, lease })) : []
    left -= refs.length
    equal((await world.answer(queues.nack({ refs, kind: 'reject', delay_ms: null }, new TestCall()))).ok, true)
  }
}

async function withPartitions(): Promise<QueueWorld> {
  const world = await QueueWorld.start()
  equal((await world.answer(world.queues('n1').putQueue({ queue: 'orders', partitions: 4 }, new TestCall()))).ok, true)
  return world
}

async function outcomeOf(world: QueueWorld, terms: { readonly rate?: number; readonly max?: number }): Promise<unknown> {
  const answered = await world.answer(world.queues('n1').redrive({ queue: 'orders', from: 'dead', ...terms }, new TestCall()))
  return answered.ok ? [answered.value.status, answered.value.moved] : answered.error.code
}

test('a redrive moves no more than it is told to, over all partitions', async () => {
  const world = await withPartitions()
  await killed(world, ...Array.from({ length: 20 }, (_, at) => `k${at}`))
  deepEqual(await outcomeOf(world, { max: 7 }), ['done', 7])
  deepEqual(await outcomeOf(world, { max: 1 }), ['done', 1])
  deepEqual(await outcomeOf(world, { max: 100 }), ['done', 12])
})

test('a redrive that goes on in one partition keeps none from the others', async () => {
  const world = await withPartitions()
  await killed(world, 'k', 'k', 'k')
  deepEqual(await outcomeOf(world, { rate: 1 }), ['started', 1])
  deepEqual(await outcomeOf(world, {}), 'redrive_active')
  const others = Array.from({ length: 20 }, (_, at) => `k${at}`).filter((key) => partitionOf(key, 4) !== partitionOf('k', 4))
  await killed(world, ...others)
  deepEqual(await outcomeOf(world, {}), ['started', others.length])
})

test('a redrive from ready leaves in the queue what came from nowhere', async () => {
  const world = await QueueWorld.start()
  const queues = world.queues('n1')
  const message = Buffer.from('1') as Uint8Array as JsonBytes
  equal((await world.answer(queues.produce({ queue: 'letters', messages: [{ message }] }, new TestCall()))).ok, true)
  const sent = await world.answer(queues.redrive({ queue: 'letters', from: 'ready' }, new TestCall()))
  equal(sent.ok && sent.value.moved, 1)
  await world.run(1_000)
  const taken = await world.answer(queues.consume({ queue: 'letters', consumer_id: 'c', max: 1, wait_ms: 0 }, new TestCall()))
  equal(taken.ok && taken.value.messages.length, 1)
})

test('a purge and a redrive find a queue that is there, though another was deleted since it was last looked up', async () => {
  for (const call of ['purge', 'redrive'] as const) {
    const world = await withPartitions()
    const queues = world.queues('n1')
    const another = { queue: 'another', partitions: queueSlots }
    equal((await world.answer(queues.putQueue(another, new TestCall()))).ok, true)
    equal((await world.answer(queues.deleteQueue(another, new TestCall()))).ok, true)
    const answered = await world.answer<Result<unknown, Fault>>(queues[call]({ queue: 'orders' }, new TestCall()))
    equal(answered.ok ? 'found' : answered.error.code, 'found', call)
  }
})

test('a purge by way of a node that remembers a deleted queue is one of the queue that has its name now', async () => {
  const world = await withPartitions()
  const [n1, n2] = [world.queues('n1'), world.queues('n2')]
  const answer = async (call: Promise<{ readonly ok: boolean }>): Promise<void> => equal((await world.answer(call)).ok, true)
  await answer(n2.purge({ queue: 'orders' }, new TestCall()))
  await answer(n1.deleteQueue({ queue: 'orders' }, new TestCall()))
  await answer(n1.putQueue({ queue: 'orders', partitions: 7 }, new TestCall()))
  const messages = ['a', 'b', 'c', 'd', 'e'].map((key) => ({ message: Buffer.from('1') as Uint8Array as JsonBytes, key }))
  await answer(n1.produce({ queue: 'orders', messages }, new TestCall()))
  const purged = await world.answer(n2.purge({ queue: 'orders' }, new TestCall()))
  deepEqual(purged.ok ? purged.value.count : purged.error.code, messages.length)
})

test('a deletion that comes late does not delete by halves the queue that has the name by then', async () => {
  const world = await QueueWorld.start()
  const keeper = await world.leaderOf(catalogueGroup)
  const late = present(world.nodes.find((node) => node !== keeper) ?? null, 'there are others')
  const queues = keeper.server.queues
  const queue = 'orders'
  equal((await world.answer(queues.putQueue({ queue }, new TestCall()))).ok, true)
  const deleting = late.server.queues.deleteQueue({ queue }, new TestCall())
  // It has asked for the queue; its command is held up.
  await world.run(1)
  world.network.clog(late.name, keeper.name, 500)
  equal((await world.answer(queues.deleteQueue({ queue }, new TestCall()))).ok, true)
  equal((await world.answer(queues.putQueue({ queue, partitions: queueSlots }, new TestCall()))).ok, true)
  const messages = Array.from({ length: 20 }, (_, at) => ({ message: Buffer.from('1') as Uint8Array as JsonBytes, key: `k${at}` }))
  equal((await world.answer(queues.produce({ queue, messages }, new TestCall()))).ok, true)
  equal((await world.answer(deleting)).ok, true)
  deepEqual(
    world.nodes.flatMap(({ server }) => server.depths),
    [],
  )
})

/** Calls whose slots answer that, in turn, and what they are asked. */
function answering(
  partitions: number,
  answers: readonly Result<unknown, Fault>[],
): { readonly managing: Managing; readonly asked: unknown[] } {
  const asked: unknown[] = []
  const listing = { definition: { generation: 1, partitions } }
  const calls = {
    find: async () => ok(listing),
    submit: async (_listing: unknown, at: number, command: () => unknown) => {
      asked.push(command())
      return answers[at]
    },
  }
  return { managing: new Managing(calls as unknown as QueueCalls, {} as CatalogueKeeper), asked }
}

test('what some partitions have carried out is not said to have been refused when another cannot be asked', async () => {
  const away = err(noLeader(1))
  const purged = ok({ type: 'purged', count: 3 })
  const codeOf = async (answers: readonly Result<unknown, Fault>[]): Promise<string> => {
    const outcome = await answering(2, answers).managing.purge({ queue: 'orders' })
    return outcome.ok ? String(outcome.value.count) : outcome.error.code
  }
  equal(await codeOf([purged, purged]), '6')
  equal(await codeOf([purged, away]), 'unknown')
  equal(await codeOf([away, purged]), 'no_leader')
  const redriven = ok({ type: 'redrive', moved: 1, max: 1, active: false })
  const outcome = await answering(2, [redriven, away]).managing.redrive({ queue: 'orders' })
  equal(outcome.ok || outcome.error.code, 'unknown')
})

test('the rate of a redrive is shared by the partitions, and none of it is lost', async () => {
  const redriven = ok({ type: 'redrive', moved: 0, max: 1, active: true })
  const ratesFor = async (rate: number): Promise<unknown> => {
    const { managing, asked } = answering(
      4,
      Array.from({ length: 4 }, () => redriven),
    )
    await managing.redrive({ queue: 'orders', rate })
    return asked.map((command) => (command as { readonly rate: number }).rate)
  }
  deepEqual(await ratesFor(10), [3, 3, 2, 2])
  deepEqual(await ratesFor(8), [2, 2, 2, 2])
  deepEqual(await ratesFor(1), [1, 1, 1, 1])
})
