import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '#base/assert.ts'
import type { JsonBytes } from '#api/schemas.ts'
import type { Deliveries } from '#api/queues/consume.ts'
import { parseMessageId } from '#core/queue/message-id.ts'
import { QueueWorld } from '#test/harness/queue-world.ts'
import { TestCall } from '#test/harness/service-world.ts'

const json = (value: unknown): JsonBytes => Buffer.from(JSON.stringify(value)) as unknown as JsonBytes
const said = ({ messages }: Deliveries): unknown[] => messages.map(({ message }) => JSON.parse(Buffer.from(message).toString()) as unknown)

class Client {
  readonly #world: QueueWorld
  readonly #node: string
  constructor(world: QueueWorld, node: string) {
    this.#world = world
    this.#node = node
  }

  async produce(queue: string, ...values: unknown[]): Promise<string[]> {
    const api = this.#world.queues(this.#node)
    const produced = await this.#world.answer(
      api.produce({ queue, messages: values.map((value) => ({ message: json(value) })) }, new TestCall()),
    )
    if (!produced.ok) throw new Error(produced.error.code)
    return produced.value.map((item) => (item.ok ? item.value.message_id : item.error.code))
  }

  async consume(queue: string, max = 1, wait = 0): Promise<Deliveries> {
    const consumed = await this.#world.answer(this.consuming(queue, max, wait))
    if (!consumed.ok) throw new Error(consumed.error.code)
    return consumed.value
  }

  consuming(queue: string, max: number, wait: number, call = new TestCall()) {
    return this.#world.queues(this.#node).consume({ queue, consumer_id: 'c', max, wait_ms: wait }, call)
  }

  async ack(...ids: string[]): Promise<string[]> {
    const refs = ids.map((id) => ({ message_id: id, lease: null }))
    const acked = await this.#world.answer(this.#world.queues(this.#node).ack({ refs }, new TestCall()))
    if (!acked.ok) throw new Error(acked.error.code)
    return acked.value.map((item) => (item.ok ? item.value.status : item.error.code))
  }
}

const names = ['n1', 'n2', 'n3']

test('what any node took any node delivers, and any node takes its ack', async () => {
  const world = await QueueWorld.start()
  const [a, b, c] = names.map((name) => new Client(world, name)) as [Client, Client, Client]
  const [first = '', second = ''] = await a.produce('orders', { n: 1 }, { n: 2 })
  await b.produce('orders', { n: 3 })
  const taken = await c.consume('orders', 10)
  deepEqual(said(taken), [{ n: 1 }, { n: 2 }, { n: 3 }])
  deepEqual(await a.ack(first), ['acknowledged'])
  deepEqual(await b.ack(second, first), ['acknowledged', 'unknown_message'])
  deepEqual(said(await b.consume('orders', 10)), [])
  await world.run(31_000)
  const again = await b.consume('orders', 10)
  deepEqual(said(again), [{ n: 3 }])
  deepEqual(
    again.messages.map(({ delivery_count: count, failed_count: failed }) => [count, failed]),
    [[2, 1]],
    'its time ran out',
  )
})

test('a consumer that waits is woken by the first message, in the order of arrival', async () => {
  const world = await QueueWorld.start()
  const [a, b, c] = names.map((name) => new Client(world, name)) as [Client, Client, Client]
  const [id = ''] = await a.produce('q', 0)
  await a.consume('q')
  await a.ack(id)
  const waits = [b.consume('q', 1, 30_000), c.consume('q', 1, 30_000)]
  const order: unknown[] = []
  for (const [at, wait] of waits.entries()) void wait.then((got) => order.push(at, ...said(got)))
  await world.run(2_000)
  deepEqual(order, [])
  await a.produce('q', 'x')
  await world.run(200)
  equal(order.length, 2)
  await a.produce('q', 'y')
  await world.run(200)
  deepEqual(
    order.filter((each) => typeof each === 'string'),
    ['x', 'y'],
  )
})

/** Two old messages that a replica which began with a snapshot delivers, after the body of the first has left the disks of some. */
async function deliveredAfterLoss(loses: 'it' | 'the others' | 'everybody'): Promise<readonly unknown[]> {
  const world = await QueueWorld.start({ compaction: { bytes: 1 << 30, entries: 20, keepEntries: 2 } })
  const [a] = names.map((name) => new Client(world, name)) as [Client]
  const [kept = ''] = await a.produce('old', 'kept')
  await a.produce('old', 'second')
  const { slot, index } = present(parseMessageId(kept), 'it has an id')
  const leader = await world.leaderOf(slot)
  const behind = world.nodes.find((node) => node !== leader) as (typeof world.nodes)[number]
  world.crash(behind)
  const front = new Client(world, leader.name)
  for (let n = 0; n < 60; n++) await front.produce('old', n)
  for (const { message_id: id } of (await front.consume('old', 100)).messages.slice(2)) await front.ack(id)
  world.restart(behind)
  await world.run(5_000)
  const { host } = behind.node
  equal(host?.groups.get(slot)?.raft.lastIndex, leader.node.host?.groups.get(slot)?.raft.lastIndex)
  await world.run(31_000)
  for (const node of world.nodes) {
    const isLost = loses === 'everybody' || (node === behind) === (loses === 'it')
    equal(isLost && node.disk.content.groups.get(slot)?.entries.delete(index), isLost, 'everybody had it')
  }
  leader.node.host?.groups.get(slot)?.step({ type: 'transfer', to: host?.own.about(slot)?.replica as never })
  await world.until('it leads', () => behind.node.leadership(slot) !== null)
  const taken = await new Client(world, behind.name).consume('old', 10)
  return [...said(taken), (await world.leaderOf(slot)).name === behind.name]
}

test('decision Q1: a replica that began with a snapshot delivers when it alone has the bodies', async () => {
  deepEqual(await deliveredAfterLoss('the others'), ['kept', 'second', true])
})

test('a leader that has not got a body delivers it from the stores of the others', async () => {
  deepEqual(await deliveredAfterLoss('it'), ['kept', 'second', true])
})

test('a message whose body nobody has any more is passed over by those behind it', async () => {
  deepEqual(await deliveredAfterLoss('everybody'), ['second', true])
})

test('decision Q8: a dead letter that is sent back comes to the partition of its key', async () => {
  const world = await QueueWorld.start()
  const queues = world.queues('n1')
  const done = async (call: Promise<{ readonly ok: boolean }>): Promise<void> => equal((await world.answer(call)).ok, true)
  await done(queues.putQueue({ queue: 'work', partitions: 4, dead_letter_queue: 'dead' }, new TestCall()))
  const keys = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => ({ message: json(key), key }))
  await done(queues.produce({ queue: 'work', messages: keys }, new TestCall()))
  const partitions = async (): Promise<ReadonlyMap<unknown, number>> => {
    const peeked = await world.answer(queues.peek({ queue: 'work', limit: 10 }, new TestCall()))
    if (!peeked.ok) throw new Error(peeked.error.code)
    return new Map(peeked.value.messages.map(({ key, partition }) => [key, partition]))
  }
  const before = await partitions()
  equal(before.size, keys.length)
  const client = new Client(world, 'n2')
  for (let left = keys.length; left > 0;) {
    const { messages } = await client.consume('work', 10)
    left -= messages.length
    const refs = messages.map(({ message_id, delivery_count: lease }) => ({ message_id, lease }))
    await done(queues.nack({ refs, kind: 'reject', delay_ms: null }, new TestCall()))
  }
  await world.run(5_000)
  await done(queues.redrive({ queue: 'dead', from: 'ready' }, new TestCall()))
  await world.run(5_000)
  deepEqual(await partitions(), before)
})

test('a consumer whose node loses its connection to the leader while it waits gets what comes next, and it has not failed', async () => {
  const world = await QueueWorld.start()
  const [id = ''] = await new Client(world, 'n1').produce('orders', 'first')
  const { name: leader } = await world.leaderOf(present(parseMessageId(id), 'it is an id').slot)
  const [waits = '', sends = ''] = names.filter((name) => name !== leader)
  const [consumer, producer] = [new Client(world, waits), new Client(world, sends)]
  await consumer.consume('orders')
  await consumer.ack(id)
  const waiting = consumer.consume('orders', 1, 15_000)
  await world.run(500)
  world.network.reset(waits, leader)
  await world.run(1_000)
  await producer.produce('orders', 'second')
  const took = await waiting
  deepEqual(
    took.messages.map(({ delivery_count: count, failed_count: failed }) => [count, failed]),
    [[1, 0]],
  )
})

test('more messages at once than entries have places for are refused as too many, and the others are enqueued', async () => {
  const world = await QueueWorld.start()
  const messages = Array.from({ length: 1_000 }, () => ({ message: json(1) }))
  const produced = await world.answer(
    Promise.all(Array.from({ length: 30 }, () => world.queues('n1').produce({ queue: 'q', messages }, new TestCall()))),
  )
  const items = produced.flatMap((each) => (each.ok ? each.value : []))
  deepEqual([items.length, ...new Set(items.map((item) => (item.ok ? 'enqueued' : item.error.code)))], [30_000, 'enqueued', 'overloaded'])
})
