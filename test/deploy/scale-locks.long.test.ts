import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '#index.ts'
import { SdkLockLoad } from '#test/harness/sdk-lock-load.ts'
import { nodeServices } from './compose-file.ts'
import { ComposeWorld, withoutNetwork } from './compose-world.ts'
import { enterNetwork } from './container-network.ts'
import { scaleUpAndDown } from './scale-walk.ts'

const options = { skip: withoutNetwork, timeout: 290_000 }

test('--scale lock-manager=5: five join the three under load and leave again, and no call of the library fails', options, async (t) => {
  await using world = new ComposeWorld()
  enterNetwork({ host: null, networkFile: world.networkFile })
  await world.up(nodeServices.lock.nodes)
  await using sync = await connect({ lock: world.containers.map(({ url }) => url), timeoutMs: 60_000 })
  await using load = new SdkLockLoad([sync])
  const held = await sync.lock('kept')
  await scaleUpAndDown({
    world,
    scaled: nodeServices.lock.scaled,
    done: () => load.taken,
    failures: () => load.failures,
    engine: 'embedded',
    t,
  })
  assert.ok(held.isHeld() && !held.signal.aborted, 'what was held from the start is held through it all')
  await held.release()
  await load.stop()
  assert.deepEqual(load.failures, [])
})
