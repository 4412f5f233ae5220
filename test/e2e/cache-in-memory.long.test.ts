import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheCluster } from '#test/harness/cache-cluster.ts'
import { cli } from '#test/harness/cli.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { until } from '#test/harness/until.ts'

interface Told {
  readonly store: string
  readonly slots_lost: readonly { readonly slot: number; readonly times: number }[]
}

const keys = Array.from({ length: 40 }, (_, at) => `k${at}`)

async function restart(cluster: CacheCluster, ...victims: readonly NodeProcess[]): Promise<void> {
  await Promise.all(victims.map((victim) => victim.kill('SIGKILL')))
  for (const victim of victims) victim.start()
  await cluster.ready()
}

async function valuesAt(cluster: CacheCluster, node: NodeProcess): Promise<readonly unknown[]> {
  const values: unknown[] = []
  for (const key of keys) {
    await until(
      `${key} is read`,
      async () => {
        const { status, body } = await cluster.read(node, key)
        if (status <= 404) values.push((body as { readonly value: unknown }).value)
        return status <= 404
      },
      30_000,
    )
  }
  return values
}

test('decision C12: real nodes that keep slots in memory: restarted one by one they lose nothing, two at once begin anew and say so', async (context) => {
  await using cluster = await CacheCluster.start(['--store', 'memory'], 60_000)
  const [first, second, third] = cluster.nodes as [NodeProcess, NodeProcess, NodeProcess]
  const toldBy = async (node: NodeProcess): Promise<Told> => (await cluster.get(node, '/status')).body as Told
  for (const key of keys) assert.equal((await cluster.write(first, key, key)).status, 200)

  await context.test('one after the other', async (t) => {
    for (const victim of [first, second, third]) {
      const from = performance.now()
      await restart(cluster, victim)
      t.diagnostic(`${victim.id} has all slots again after ${Math.round(performance.now() - from)} ms`)
    }
    for (const node of cluster.nodes) assert.deepEqual(await valuesAt(cluster, node), keys)
    const { store, slots_lost: lost } = await toldBy(first)
    assert.deepEqual([store, lost], ['memory', []])
  })

  await context.test('two at once', async (t) => {
    await cluster.settled(1_500, 60_000)
    const from = performance.now()
    await restart(cluster, first, second)
    await until('the slots begin anew', async () => (await toldBy(third)).slots_lost.length === 32, 60_000)
    await cluster.settled(1_500, 60_000)
    t.diagnostic(`all slots began anew ${Math.round(performance.now() - from)} ms after two nodes were killed`)
    for (const node of cluster.nodes)
      assert.deepEqual(
        await valuesAt(cluster, node),
        keys.map(() => null),
      )
    for (const key of keys) assert.equal((await cluster.write(second, key, 'new')).status, 200)
    assert.deepEqual(
      await valuesAt(cluster, third),
      keys.map(() => 'new'),
    )
  })

  await context.test('whoever looks after it is told', async () => {
    const { body } = await cluster.get(third, '/cluster')
    const [warning = ''] = (body as { readonly warnings: readonly string[] }).warnings
    assert.match(warning, /^32 slots lost most replicas in memory and began anew, empty/)
    assert.equal((await cluster.report(third)).counters['slots_lost'], 32)
    const status = await cli(['status', 'cache', '--url', third.url])
    assert.match(status.stdout, /warning: 32 slots lost/)
    const doctor = await cli(['doctor', 'cache', '--url', third.url])
    assert.match(doctor.stdout, /32 slots lost/)
  })
})
