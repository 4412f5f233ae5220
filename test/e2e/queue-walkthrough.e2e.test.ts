import { test } from 'node:test'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import { walkThrough } from '#test/harness/queue-walkthrough.ts'

test('the queue calls of the walk-through answer on every node as they are written', async (context) => {
  await using cluster = await QueueCluster.start()
  await walkThrough(context, cluster, 'embedded')
})
