import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, LockstepError } from '#index.ts'
import { LockCluster } from '#test/harness/lock-cluster.ts'
import { until } from '#test/harness/until.ts'

test('decision L5: nodes that are told wound-wait let an older program wound a younger one, whose signal says so', async () => {
  await using cluster = await LockCluster.start(['--deadlock-policy', 'wound-wait'])
  const lock = cluster.nodes.map(({ url }) => url)
  for (const node of cluster.nodes) {
    const { body } = await cluster.get(node, '/deadlocks')
    assert.equal((body as { readonly mode: string }).mode, 'wound-wait')
  }
  await using elder = await connect({ lock, clientId: 'elder' })
  await using youth = await connect({ lock, clientId: 'youth' })
  const [older, younger] = [elder.owner(), youth.owner()]
  const first = await older.lock('first')
  const held = await younger.lock('r')
  const { signal } = held
  const next = older.lock('r')
  await until('the younger one is told', () => signal.aborted)
  assert.ok(signal.reason instanceof LockstepError)
  assert.equal(signal.reason.code, 'wounded')
  assert.deepEqual([held.isHeld(), held.lost, first.signal.aborted], [true, null, false])
  await assert.rejects(younger.lock('free'), { code: 'wounded' })
  await held.release()
  const taken = await next
  assert.ok(taken.isHeld() && taken.fencingToken > held.fencingToken)
  assert.ok((await younger.lock('free')).isHeld())
})
