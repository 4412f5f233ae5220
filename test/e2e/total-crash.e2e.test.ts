import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CounterLoad } from '#test/harness/counter-load.ts'
import { ProcessCluster } from '#test/harness/process-cluster.ts'
import { until } from '#test/harness/until.ts'

/** The term of every replica, by node and group. */
async function termsOf(cluster: ProcessCluster): Promise<ReadonlyMap<string, number>> {
  let terms = new Map<string, number>()
  await until('three nodes have replicas of four groups', async () => {
    const statuses = [...(await cluster.statuses()).values()]
    terms = new Map(statuses.flatMap(({ name, groups }) => groups.map(({ group, term }) => [`${name}, group ${group}`, term] as const)))
    return terms.size === 12
  })
  return terms
}

test('killing all three nodes at once under load loses nothing acknowledged; terms only grow and the cluster stays the same', async (t) => {
  await using cluster = await ProcessCluster.start(['--log-level', 'warn', '--slots', '3'])
  await using load = new CounterLoad({ clients: 6, nodes: () => cluster.running })
  const { clusterId } = await cluster.status(await cluster.leader(1))
  load.start()
  for (let crash = 1; crash <= 2; crash++) {
    await load.progress(60)
    const before = await termsOf(cluster)
    for (const node of cluster.nodes) node.signal('SIGKILL')
    const killedAt = performance.now()
    await Promise.all(cluster.nodes.map((node) => node.ended()))
    for (const node of cluster.nodes) node.start()
    const backAt = await load.acknowledgedAfter(killedAt, 30_000)
    t.diagnostic(
      `crash ${crash}: answered again ${(backAt - killedAt).toFixed(0)} ms after the kill, the start of three processes included`,
    )
    await cluster.ready()
    const after = await termsOf(cluster)
    for (const [replica, term] of before) {
      assert.ok((after.get(replica) ?? 0) >= term, `${replica} went back from term ${term} to ${after.get(replica)}`)
    }
    for (let group = 0; group <= 3; group++) {
      const newest = (terms: ReadonlyMap<string, number>): number =>
        Math.max(...cluster.nodes.map(({ id }) => terms.get(`${id}, group ${group}`) ?? 0))
      assert.ok(newest(after) > newest(before), `group ${group} has a leader of a later term`)
    }
    for (const status of (await cluster.statuses()).values()) assert.equal(status.clusterId, clusterId)
  }
  await load.stop()
  for (const node of cluster.nodes) assert.deepEqual(await load.check(node), [])
  const { acknowledged, unknown, refused } = load.totals
  t.diagnostic(`${acknowledged} acknowledged, ${unknown} unknown, ${refused} refused`)
})
