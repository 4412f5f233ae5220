import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '#index.ts'
import { growAndShrink, passLeadershipOn, replaceDead, restartAll } from '#test/harness/cluster-walk.ts'
import { LockCluster } from '#test/harness/lock-cluster.ts'
import { SdkLockLoad } from '#test/harness/sdk-lock-load.ts'

const walks = [passLeadershipOn, growAndShrink, replaceDead, restartAll]

/** Longer than others take: every step waits for replicas that move. */
const timeout = 280_000

test(
  'nodes come, go, die and are restarted while locks are taken: no call of the library fails, and no lock is had twice',
  { timeout },
  async (t) => {
    await using cluster = await LockCluster.start()
    await using sync = await connect({ lock: cluster.nodes.map(({ url }) => url), timeoutMs: 60_000 })
    await using load = new SdkLockLoad([sync])
    const held = await sync.lock('kept')
    const view = { done: () => load.taken, failures: load.failures }
    for (const walk of walks) await walk({ cluster, load: view, t })
    assert.ok(held.isHeld() && !held.signal.aborted, 'what was held from the start is held through it all')
    await held.release()
    await load.stop()
    assert.deepEqual(load.failures, [])
    t.diagnostic(`${load.taken} locks taken`)
  },
)
