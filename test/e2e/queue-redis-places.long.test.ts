import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import { drain, judge, Producer } from '#test/harness/queue-load.ts'
import { RedisMasters } from '#test/harness/redis-masters.ts'
import { RedisProcess, withoutRedis } from '#test/harness/redis-process.ts'
import { until } from '#test/harness/until.ts'

const options = { skip: withoutRedis, timeout: 90_000 }

test('queues spread over the masters of a Redis Cluster, and are there when all of it was killed', options, async () => {
  const masters = await RedisMasters.start()
  try {
    await using cluster = await QueueCluster.onRedis(masters.url)
    await cluster.ready()
    const [a, b, c] = cluster.nodes as [NodeProcess, NodeProcess, NodeProcess]
    const queues = Array.from({ length: 12 }, (_, at) => `q${at}`)
    for (const queue of queues) assert.equal((await cluster.post(a, '/produce', { queue, message: queue })).status, 200)
    assert.ok(
      (await masters.sizes()).every((size) => size > 5),
      'both have slots',
    )
    await masters.restart()
    await cluster.ready()
    for (const queue of queues) {
      const consumed = await cluster.post(b, '/consume', { queue, consumer_id: 'c', wait_ms: 5_000 })
      const { message, message_id: id } = consumed.body as { readonly message: string; readonly message_id: string }
      assert.equal(message, queue)
      assert.equal((await cluster.post(c, '/ack', { message_id: id })).status, 200)
    }
  } finally {
    await masters.dispose()
  }
})

test(
  'decision Q3: a fail-over by Sentinel to a replica that confirmed every write loses nothing that was acknowledged',
  options,
  async () => {
    const master = await RedisProcess.start()
    const replica = await RedisProcess.start([...RedisProcess.durable, '--replicaof', '127.0.0.1', String(master.port)])
    const sentinel = await RedisProcess.sentinel('main', master.port)
    try {
      await until('the replica follows', async () => (await replica.info()).includes('master_link_status:up'))
      await until('Sentinel knows the replica', async () => (await sentinel.info()).includes('slaves=1'))
      await using cluster = await QueueCluster.onRedis(`redis+sentinel://127.0.0.1:${sentinel.port}/main`, ['--redis-replicas', '1'])
      await cluster.ready()
      await using producer = new Producer(cluster, 8)
      await until('messages flow', () => producer.acknowledged.size > 100)
      await master.kill()
      const promoted = `address=127.0.0.1:${replica.port}`
      await until('Sentinel names the replica', async () => (await sentinel.info()).includes(promoted), 30_000)
      const before = producer.acknowledged.size
      assert.ok(before > 100)
      await master.run()
      // A disk that stalls for seconds makes Sentinel turn back, and then it is the former master that is followed.
      const follows = async () => [await replica.info(), await master.info()].some((info) => info.includes('connected_slaves:1'))
      await until('one follows the other', follows, 40_000)
      await cluster.ready()
      const first = cluster.nodes[0] as NodeProcess
      await until('messages flow again', () => producer.acknowledged.size > before + 100, 30_000)
      await producer.stop()
      judge(producer, await drain(cluster))
      const { body } = await cluster.get(first, '/status')
      assert.deepEqual((body as { readonly storage: { readonly warnings: readonly string[] } }).storage.warnings, [])
    } finally {
      await Promise.all([sentinel.dispose(), replica.dispose(), master.dispose()])
    }
  },
)
