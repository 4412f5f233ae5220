import { test } from 'node:test'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import { visitLibrary } from '#test/harness/queue-library.ts'

test('messages are sent, received, settled and looked at through real nodes', async (t) => {
  await using cluster = await QueueCluster.start()
  await visitLibrary(t, cluster)
})
