import { test } from 'node:test'
import { LockCluster } from '#test/harness/lock-cluster.ts'
import { walkThroughLocks } from '#test/harness/lock-walkthrough.ts'

test('three lock nodes answer the walk-through', async (t) => {
  await using cluster = await LockCluster.start()
  await walkThroughLocks(t, cluster)
})
