import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '#index.ts'
import { LockCluster } from '#test/harness/lock-cluster.ts'
import { SdkLockLoad } from '#test/harness/sdk-lock-load.ts'
import { until } from '#test/harness/until.ts'

test('decision L2: the leader is killed while a lock is held and waited for: it is kept, the wait goes on, and no call fails', async (t) => {
  await using cluster = await LockCluster.start()
  const lock = cluster.nodes.map(({ url }) => url)
  const options = { lock, timeoutMs: 20_000 }
  await using holder = await connect({ ...options, clientId: 'holder' })
  await using waiter = await connect({ ...options, clientId: 'waiter' })
  await using busy = new SdkLockLoad([holder, waiter])
  const held = await holder.lock('r')
  const waiting = waiter.lock('r')
  await until('it is waited for', async () => (await holder.inspect('r')).waiter_count === 1)
  for (let kill = 0; kill < 2; kill++) {
    const leader = await cluster.leader()
    const before = busy.taken
    const killedAt = performance.now()
    await leader.kill('SIGKILL')
    await until('locks are taken again', () => busy.taken > before + 50)
    t.diagnostic(`locks are taken ${(performance.now() - killedAt).toFixed(0)} ms after the kill`)
    const { holders, waiters } = await waiter.inspect('r')
    assert.deepEqual(
      [holders.map(({ fencing_token: token }) => token), waiters.map(({ client_id: client }) => client.split('/')[0])],
      [[held.fencingToken], ['waiter']],
    )
    assert.ok(held.isHeld() && !held.signal.aborted)
    leader.start()
    await cluster.ready()
    await until('both talk to the leader', async () => {
      const { id } = await cluster.leader()
      return holder.node === id && waiter.node === id
    })
  }
  await held.release()
  const next = await waiting
  assert.ok(next.isHeld() && next.fencingToken > held.fencingToken)
  await busy.stop()
  assert.deepEqual(busy.failures, [])
  t.diagnostic(`${busy.taken} locks taken`)
})

test('a node that is told to stop is left in time: no call fails', async () => {
  await using cluster = await LockCluster.start()
  await using sync = await connect({ lock: cluster.nodes.map(({ url }) => url), timeoutMs: 20_000 })
  await using busy = new SdkLockLoad([sync])
  await until('locks are taken', () => busy.taken > 20)
  let leader = await cluster.leader()
  await until('the client talks to the leader', async () => {
    leader = await cluster.leader()
    return sync.node === leader.id
  })
  await leader.kill('SIGTERM')
  const before = busy.taken
  await until('locks are taken again', () => busy.taken > before + 20)
  assert.notEqual(sync.node, leader.id)
  await busy.stop()
  assert.deepEqual(busy.failures, [])
})
