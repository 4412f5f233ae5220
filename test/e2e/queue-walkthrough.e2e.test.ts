import { test } from 'node:test'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import { walkThroughQueues } from '#test/harness/queue-walkthrough.ts'

test('the queue calls of the walk-through answer on every node as they are written', async (context) => {
  await using cluster = await QueueCluster.start()
  await walkThroughQueues(context, cluster, 'embedded')
})
