import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CounterLoad } from '#test/harness/counter-load.ts'
import { ProcessCluster } from '#test/harness/process-cluster.ts'
import { until } from '#test/harness/until.ts'

const group = 1

test('a leader that is told to stop hands over first: no command through another node fails, and it ends well within 3 s', async (t) => {
  await using cluster = await ProcessCluster.start(['--log-level', 'info'])
  const leader = await cluster.settledLeader(group)
  const others = cluster.nodes.filter((node) => node !== leader)
  await using elsewhere = new CounterLoad({ clients: 4, nodes: () => others })
  await using through = new CounterLoad({ clients: 2, nodes: () => [leader, ...others], name: 'through' })
  elsewhere.start()
  through.start()
  await elsewhere.progress(50)
  await until('it leads still, or again', async () => (await cluster.leader(group)) === leader)
  const said = leader.output.length

  const toldAt = performance.now()
  leader.signal('SIGTERM')
  const next = elsewhere.acknowledgedAfter(toldAt, 10_000)
  const ending = await leader.ended()
  const endedMs = performance.now() - toldAt
  const backMs = (await next) - toldAt
  await elsewhere.progress(50)
  const totals = await elsewhere.stop()
  const { unknown } = await through.stop()

  t.diagnostic(`ended after ${endedMs.toFixed(0)} ms; the first command sent after the signal was answered after ${backMs.toFixed(0)} ms`)
  t.diagnostic(`through others: ${JSON.stringify(totals)}; through the one that stopped: ${JSON.stringify(through.totals)}`)
  assert.deepEqual(ending, { code: 0, signal: null })
  assert.ok(endedMs < 3_000, `it took ${endedMs} ms`)
  assert.deepEqual([totals.unknown, totals.refused], [0, 0], 'no command through other nodes fails')
  assert.equal(unknown, 0, 'what it had taken it finished, and what came later it refused')
  const lastWords = leader.output.slice(said)
  assert.match(lastWords, new RegExp(`"group":${group},"role":"follower".*"role-changed"`), 'it gave leadership up before it ended')
  const successor = await cluster.leader(group)
  assert.ok(others.includes(successor))
  for (const node of others) assert.deepEqual([...(await elsewhere.check(node)), ...(await through.check(node))], [])
})
