import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CounterLoad } from '#test/harness/counter-load.ts'
import { PeerNetwork } from '#test/harness/peer-proxy.ts'
import { proxiedCluster } from '#test/harness/proxied-cluster.ts'
import { RegisterClient } from '#test/harness/register-client.ts'
import { until } from '#test/harness/until.ts'

const group = 1

test('a follower that is cut off answers no stale read, and has everything once it is back', async (t) => {
  const network = new PeerNetwork()
  await using owner = new AsyncDisposableStack()
  const cluster = await proxiedCluster(network, owner)
  for (const node of cluster.nodes) node.start()
  await cluster.ready()
  const leader = await cluster.settledLeader(group)
  const follower = cluster.nodes.find((node) => node !== leader) ?? leader
  const rest = cluster.nodes.filter((node) => node !== follower)
  await using load = new CounterLoad({ clients: 4, nodes: () => rest })
  using client = new RegisterClient()
  assert.deepEqual(await client.add(follower, 'witness'), { type: 'answered', value: 1, done: true })
  load.start()
  await load.progress(20)

  network.cutOff(follower.id)
  let said = follower.output.length
  // Commands go on without it, so whatever it could answer from its own replica would be stale.
  await until('the others write', async () => (await client.add(leader, 'witness')).type === 'answered')
  await load.progress(20)
  const askedAt = performance.now()
  const reads = await Promise.all(Array.from({ length: 5 }, () => client.read(follower, 'witness')))
  t.diagnostic(`cut off, after ${(performance.now() - askedAt).toFixed(0)} ms: ${reads.map((read) => JSON.stringify(read)).join(', ')}`)
  for (const read of reads) assert.notEqual(read.type, 'answered', 'a cut-off follower refuses or waits')

  network.heal()
  const healedAt = performance.now()
  let back = await client.read(follower, 'witness')
  await until('the follower answers again', async () => (back = await client.read(follower, 'witness')).type === 'answered')
  t.diagnostic(`answered again ${(performance.now() - healedAt).toFixed(0)} ms after the cut was healed`)
  assert.ok(back.type === 'answered' && (back.value ?? 0) >= 2, `a stale read: ${JSON.stringify(back)}`)
  await cluster.caughtUp(follower, group)
  const hasSaid = (pattern: RegExp): boolean => pattern.test(follower.output.slice(said))
  assert.ok(hasSaid(/"role":"pre-candidate"/), 'it noticed that it was alone')
  // Only when the leader stands still just as it returns may the other one vote for it.
  for (let returns = 1; hasSaid(/"role":"candidate"/); returns++) {
    assert.ok(returns < 3, 'it begins no term, so its return disturbs nobody (pre-vote)')
    await cluster.settledLeader(group)
    said = follower.output.length
    network.cutOff(follower.id)
    await until('it notices that it is alone', () => hasSaid(/"role":"pre-candidate"/))
    network.heal()
    await cluster.caughtUp(follower, group)
  }
  await load.stop()
  for (const node of cluster.nodes) assert.deepEqual(await load.check(node), [])
  const { acknowledged, unknown, refused } = load.totals
  t.diagnostic(`${acknowledged} acknowledged, ${unknown} unknown, ${refused} refused`)
})
