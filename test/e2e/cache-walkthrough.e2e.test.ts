import { test } from 'node:test'
import { CacheCluster } from '#test/harness/cache-cluster.ts'
import { walkThroughCache } from '#test/harness/cache-walkthrough.ts'

test('the cache calls of the walk-through answer on every node as they are written', async (t) => {
  await using cluster = await CacheCluster.start()
  await walkThroughCache(t, cluster)
})
