import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import { drain, judge, Producer } from '#test/harness/queue-load.ts'
import { until } from '#test/harness/until.ts'

test('kill -9 of the node that leads the queue, under load: nothing acknowledged is lost, and nothing is doubled', async () => {
  await using cluster = await QueueCluster.start()
  const [node] = cluster.nodes as [NodeProcess]
  const first = await cluster.post(node, '/produce', { queue: 'orders', message: -1 })
  const { node: leader } = first.body as { readonly node: string }
  await using producer = new Producer(cluster, 8)
  producer.acknowledged.add(-1)
  await until('messages flow', async () => producer.acknowledged.size > 100)
  const victim = cluster.nodes.find(({ options }) => options.id === leader) as NodeProcess
  await victim.kill('SIGKILL')
  const before = producer.acknowledged.size
  await until('messages flow again', async () => producer.acknowledged.size > before + 100)
  await producer.stop()
  judge(producer, await drain(cluster))
})

test('kill -9 of all nodes, under load: what was acknowledged is there when they are back', async () => {
  await using cluster = await QueueCluster.start()
  await using producer = new Producer(cluster, 8)
  await until('messages flow', async () => producer.acknowledged.size > 200)
  await Promise.all(cluster.nodes.map((node) => node.kill('SIGKILL')))
  await producer.stop()
  for (const node of cluster.nodes) node.start()
  await cluster.ready()
  judge(producer, await drain(cluster))
})

test('a consumer that dies without an ack: the message comes again by itself, counted', async () => {
  await using cluster = await QueueCluster.start()
  const [a, b] = cluster.nodes as [NodeProcess, NodeProcess]
  await cluster.post(a, '/produce', { queue: 'jobs', message: 'work' })
  await cluster.post(a, '/consume', { queue: 'jobs', consumer_id: 'dies', visibility_ms: 500 })
  const again = await cluster.post(b, '/consume', { queue: 'jobs', consumer_id: 'lives', wait_ms: 10_000 })
  const { delivery_count: delivered, failed_count: failed } = again.body as {
    readonly delivery_count: number
    readonly failed_count: number
  }
  assert.deepEqual([delivered, failed], [2, 1])
})
