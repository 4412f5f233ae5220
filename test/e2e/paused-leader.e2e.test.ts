import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CounterLoad } from '#test/harness/counter-load.ts'
import { PeerClient } from '#test/harness/peer-client.ts'
import { PeerNetwork } from '#test/harness/peer-proxy.ts'
import { proxiedCluster } from '#test/harness/proxied-cluster.ts'
import { RegisterClient } from '#test/harness/register-client.ts'
import { until } from '#test/harness/until.ts'

const group = 1
const pauseMs = 3_000

test('a leader that is paused for 3 s under load is replaced, answers nothing stale when it wakes, and knows its successor', async (t) => {
  const network = new PeerNetwork()
  await using owner = new AsyncDisposableStack()
  const cluster = await proxiedCluster(network, owner)
  for (const node of cluster.nodes) node.start()
  await cluster.ready()
  const paused = await cluster.settledLeader(group)
  const { clusterId } = await cluster.status(paused)
  const others = cluster.nodes.filter((node) => node !== paused)
  await using load = new CounterLoad({ clients: 6, nodes: () => cluster.nodes })
  using client = new RegisterClient()
  await using peer = new PeerClient(clusterId ?? '', [paused.options.address])
  await until('the client is connected as a peer', () => peer.connected.length === 1)
  assert.equal((await client.add(paused, 'witness')).type, 'answered')
  load.start()
  await load.progress(50)

  paused.signal('SIGSTOP')
  const stoppedAt = performance.now()
  // Or the successor's heartbeats would lie in its sockets when it wakes, and tell it at once: now only its lease keeps it from lying.
  network.cutOff(paused.id)
  const recoveredAt = await load.acknowledgedAfter(stoppedAt, 20_000)
  const leader = await cluster.leader(group)
  assert.notEqual(leader, paused)
  // Something that the old leader cannot know.
  let written = 0
  await until('a command is acknowledged by the new leader', async () => {
    const added = await client.add(leader, 'witness')
    if (added.type === 'answered') written = added.value ?? 0
    return added.type === 'answered'
  })
  const { commit: committed = Infinity, term = Infinity } =
    (await cluster.status(leader)).groups.find((entry) => entry.group === group) ?? {}
  await until('the pause is over', () => performance.now() - stoppedAt >= pauseMs)

  // Both questions lie in its sockets when it wakes, and nothing else does.
  const read = client.read(paused, 'witness')
  const index = peer.ask(paused.id, { type: 'read-index', group }, 8_000)
  paused.signal('SIGCONT')
  const vouched = await index
  if (vouched?.type === 'read-index') assert.ok(vouched.index >= committed, `a stale index: ${vouched.index} < ${committed}`)
  network.heal()
  const reply = await read
  const answer = JSON.stringify(reply)
  assert.ok(reply.type !== 'answered' || reply.value === written, `a stale read: ${answer}`)
  t.diagnostic(`another answered ${(recoveredAt - stoppedAt).toFixed(0)} ms after the leader was stopped`)
  t.diagnostic(`read through the old leader: ${answer}; index it vouched for: ${JSON.stringify(vouched)}, committed ${committed}`)

  await until('the old leader follows, or was made leader again since, where the table has it', async () => {
    const own = (await cluster.status(paused)).groups.find((entry) => entry.group === group)
    return (own?.role === 'follower' && own.leader !== null) || (own?.role === 'leader' && own.term > term)
  })
  await load.progress(50)
  await load.stop()
  for (const node of [paused, ...others]) assert.deepEqual(await load.check(node), [])
  const { acknowledged, unknown, refused } = load.totals
  t.diagnostic(`${acknowledged} acknowledged, ${unknown} unknown, ${refused} refused`)
})
