import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '#index.ts'
import { CacheCluster } from '#test/harness/cache-cluster.ts'
import { growAndShrink, passLeadershipOn, replaceDead, restartAll } from '#test/harness/cluster-walk.ts'
import { SdkCacheLoad } from '#test/harness/sdk-cache-load.ts'

const walks = [passLeadershipOn, growAndShrink, replaceDead, restartAll]

/** Longer than others take: every step waits for replicas that move. */
const timeout = 280_000

test(
  'nodes come, go, die and are restarted while keys are read and changed: no call of the library fails, nothing is lost, done twice or stale',
  { timeout },
  async (t) => {
    await using cluster = await CacheCluster.start()
    const options = { cache: cluster.nodes.map(({ url }) => url), timeoutMs: 60_000 }
    await using one = await connect(options)
    await using other = await connect(options)
    await using load = new SdkCacheLoad([await one.cache<number>(), await other.cache<number>()])
    for (const walk of walks) await walk({ cluster, load: { done: () => load.done, failures: load.failures }, t })
    await load.stop()
    await load.judge()
    assert.deepEqual(load.failures, [])
    t.diagnostic(`${load.done} rounds`)
  },
)
