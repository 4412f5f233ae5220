import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { connect } from '#index.ts'
import type { Lockstep, Message } from '#index.ts'
import type { QueueCluster } from './queue-cluster.ts'
import { until } from './until.ts'

interface Order {
  readonly id: number
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at)

type Visit = (sync: Lockstep, cluster: QueueCluster) => Promise<void>

const visits: readonly (readonly [claim: string, visit: Visit])[] = [
  [
    'what is sent comes out as it was, with its key and headers, and is gone when it is acked',
    async (sync) => {
      const orders = sync.queue<Order>('orders')
      const { id, duplicate } = await orders.send({ id: 1 }, { key: 'customer-7', headers: { trace: 'abc' }, priority: 3 })
      assert.equal(duplicate, false)
      const [message] = await orders.receive({ waitMs: 5_000 })
      assert.ok(message !== undefined)
      assert.deepEqual(
        [message.id, message.payload, message.key, message.headers, message.priority, message.deliveryCount],
        [id, { id: 1 }, 'customer-7', { trace: 'abc' }, 3, 1],
      )
      assert.ok(message.isHeld && !message.signal.aborted)
      await message.ack()
      assert.deepEqual(await orders.receive(), [])
      await assert.rejects(message.ack(), { code: 'stale_receipt' })
    },
  ],
  [
    'sends of one turn share a few batches, and stay in their order',
    async (sync) => {
      const many = sync.queue<number>('many')
      const sent = await Promise.all(numbers(5_000).map((number) => many.send(number)))
      assert.equal(new Set(sent.map(({ id }) => id)).size, 5_000)
      const seen: number[] = []
      while (seen.length < 5_000) {
        const messages = await many.receive({ max: 1_000, waitMs: 5_000 })
        seen.push(...messages.map(({ payload }) => payload))
        await Promise.all(messages.map((message) => message.ack()))
      }
      assert.deepEqual(seen, numbers(5_000))
      const { ready, in_flight: inFlight } = await many.status()
      assert.deepEqual([ready, inFlight], [0, 0])
    },
  ],
  [
    'each of a batch has a result of its own',
    async (sync) => {
      const small = sync.queue<string>('small')
      await small.create({ maxLength: 2 })
      const results = await small.sendBatch([{ payload: 'a' }, { payload: 'b', dedupeId: 'b' }, { payload: 'c' }])
      assert.deepEqual(
        results.map((result) => (result.ok ? 'sent' : result.error.code)),
        ['sent', 'sent', 'queue_full'],
      )
      const again = await small.send('b', { dedupeId: 'b' })
      assert.deepEqual([again.duplicate, again.id], [true, results[1]?.ok === true ? results[1].id : ''])
    },
  ],
  [
    'a message that is released, failed or rejected comes back, comes back later, or is dead',
    async (sync) => {
      const jobs = sync.queue<string>('jobs')
      await jobs.create({ visibilityTimeoutMs: 30_000 })
      await jobs.send('job')
      const next = async (): Promise<Message<string>> => {
        const [message] = await jobs.receive({ waitMs: 10_000 })
        assert.ok(message !== undefined)
        return message
      }
      await (await next()).release()
      const second = await next()
      assert.deepEqual([second.deliveryCount, second.failedCount], [2, 0])
      await second.nack({ delayMs: 100 })
      const third = await next()
      assert.deepEqual([third.deliveryCount, third.failedCount], [3, 1])
      await third.extend(60_000)
      await third.reject()
      const { messages } = await jobs.peek({ state: 'dead' })
      assert.deepEqual(
        messages.map(({ payload, deliveryCount }) => [payload, deliveryCount]),
        [['job', 3]],
      )
      assert.deepEqual(await jobs.redrive(), { moved: 1, done: true })
      await (await next()).ack()
    },
  ],
  [
    'a queue is made, set, paused, purged and deleted',
    async (sync) => {
      const temporary = sync.queue<number>('temporary')
      await assert.rejects(temporary.receive(), { code: 'unknown_queue' })
      await assert.rejects(temporary.pause(), { code: 'unknown_queue' })
      const made = await temporary.create({ partitions: 4, ttlMs: 60_000, retry: { delayMs: 10 } })
      assert.deepEqual([made.created, made.partitions, made.settings.ttlMs, made.settings.retry.delayMs], [true, 4, 60_000, 10])
      await temporary.pause()
      assert.equal((await temporary.settings()).paused, true)
      await temporary.sendBatch(numbers(8).map((payload) => ({ payload, key: `k${payload}` })))
      assert.deepEqual(await temporary.receive(), [])
      await temporary.resume()
      assert.equal(await temporary.purge(), 8)
      assert.deepEqual(
        (await sync.queues({ prefix: 'temp' })).queues.map(({ queue: name }) => name),
        ['temporary'],
      )
      await temporary.delete()
      await assert.rejects(temporary.status(), { code: 'unknown_queue' })
    },
  ],
  [
    'a queue that was made anew with other partitions is found by who knew the one before',
    async (sync, cluster) => {
      const moved = sync.queue<number>('moved')
      await moved.create({ partitions: 4 })
      const items = numbers(20).map((payload) => ({ payload, key: `k${payload}` }))
      assert.ok((await moved.sendBatch(items)).every(({ ok }) => ok))
      const [node] = cluster.nodes
      assert.ok(node !== undefined)
      assert.equal((await cluster.ask(node, 'DELETE', '/queues/moved')).status, 200)
      assert.equal((await cluster.ask(node, 'PUT', '/queues/moved', { body: { partitions: 2 } })).status, 201)
      assert.deepEqual(
        (await moved.sendBatch(items)).filter(({ ok }) => !ok),
        [],
      )
      assert.equal((await moved.status()).ready, 20)
    },
  ],
  [
    'a worker handles many at a time and one of a key, acks what returns, and brings back what throws',
    async (sync) => {
      const work = sync.queue<number>('work')
      await work.create({ retry: { delayMs: 20 } })
      const inside = new Map<string, number>()
      const handled = new Map<string, number[]>()
      const errors: unknown[] = []
      let most = 0
      let running = 0
      await using worker = work.work(
        async ({ payload, key, failedCount }) => {
          const name = key ?? ''
          inside.set(name, (inside.get(name) ?? 0) + 1)
          assert.equal(inside.get(name), 1)
          most = Math.max(most, ++running)
          await new Promise(setImmediate)
          running--
          inside.set(name, 0)
          if (payload % 50 === 7 && failedCount === 0) throw new Error('not the first time')
          handled.set(name, [...(handled.get(name) ?? []), payload])
        },
        { concurrency: 16, onError: (error) => errors.push(error) },
      )
      await work.sendBatch(numbers(400).map((payload) => ({ payload, key: `k${payload % 20}` })))
      await until('all are handled', () => [...handled.values()].flat().length === 400)
      await worker.stop()
      for (const [name, payloads] of handled)
        assert.deepEqual(
          payloads,
          payloads.toSorted((left, right) => left - right),
          name,
        )
      assert.ok(most > 1 && most <= 16, `${most} at a time`)
      assert.equal(errors.length, 8)
      const { ready, in_flight: inFlight, delayed } = await work.status()
      assert.deepEqual([ready, inFlight, delayed], [0, 0, 0])
    },
  ],
]

/** What the library does with queues, through real nodes. */
export async function visitLibrary(context: TestContext, cluster: QueueCluster): Promise<void> {
  await using sync = await connect({ queue: cluster.nodes.map(({ url }) => url), clientId: 'shop' })
  for (const [claim, visit] of visits) await context.test(claim, () => visit(sync, cluster))
}
