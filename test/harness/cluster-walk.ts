import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { NodeProcess } from './node-process.ts'
import type { ServiceCluster } from './service-cluster.ts'
import { until } from './until.ts'

interface Load {
  /** How much was done so far. */
  readonly done: () => number
  readonly failures: readonly string[]
}

interface Walk {
  readonly cluster: ServiceCluster
  readonly load: Load
  readonly t: TestContext
}

const step = (walk: Walk): ((what: string, tookMs: number) => Promise<void>) => {
  const { t, load } = walk
  return async (what, tookMs) => {
    t.diagnostic(`${what} after ${tookMs} ms; ${load.done()} done so far`)
    assert.deepEqual(load.failures, [], what)
    const before = load.done()
    await until(`work goes on: ${what}`, () => load.done() > before + 20, 60_000)
  }
}

async function post(cluster: ServiceCluster, path: string, body: object): Promise<void> {
  const at = cluster.running.find(({ id }) => id !== (body as { readonly node_id?: string }).node_id)
  const { status, body: answer } = await cluster.post(at as NodeProcess, path, body)
  assert.equal(status, 200, JSON.stringify(answer))
}

const isWhole =
  (nodes: number) =>
  ({ members, moves_left: left }: Awaited<ReturnType<ServiceCluster['members']>>): boolean =>
    left === 0 && members.length === nodes && members.every(({ state }) => state === 'active')

/** Three nodes become five, and three again: those that leave are the first of all. */
export async function growAndShrink(walk: Walk): Promise<void> {
  const { cluster } = walk
  const told = step(walk)
  const [first, second] = cluster.nodes as [NodeProcess, NodeProcess]
  await Promise.all([cluster.join('late-1'), cluster.join('late-2')])
  await told('five nodes have their share', await cluster.untilMembers('five nodes have their share', isWhole(5)))
  for (const [leaver, left] of [
    [first, 4],
    [second, 3],
  ] as const) {
    await post(cluster, '/cluster/leave', { node_id: leaver.id })
    const startedAt = performance.now()
    assert.deepEqual(await leaver.ended(), { code: 0, signal: null })
    await told(`${leaver.id} has left`, Math.round(performance.now() - startedAt))
    await cluster.untilMembers(`${left} nodes have their share`, isWhole(left))
  }
}

/** A node dies for good, is removed, and another takes its place. */
export async function replaceDead(walk: Walk): Promise<void> {
  const { cluster } = walk
  const told = step(walk)
  const [victim] = cluster.running as [NodeProcess]
  await victim.kill('SIGKILL')
  const silentMs = await cluster.untilMembers(
    'it is silent',
    ({ members }) => (members.find(({ node_id: id }) => id === victim.id)?.silent_ms ?? 0) > 2_000,
  )
  await told('a dead node is silent', silentMs)
  await cluster.join('spare')
  await post(cluster, '/cluster/remove', { node_id: victim.id, force: true })
  await told('the dead node is replaced', await cluster.untilMembers('the dead node is replaced', isWhole(3)))
}

/** Each node is told to stop, and started again. */
export async function restartAll(walk: Walk): Promise<void> {
  const { cluster } = walk
  const told = step(walk)
  for (const node of cluster.running) {
    const startedAt = performance.now()
    await node.kill('SIGTERM')
    node.start()
    await cluster.ready()
    await told(`${node.id} is restarted`, Math.round(performance.now() - startedAt))
  }
}

/** All that each node leads goes to others. */
export async function passLeadershipOn(walk: Walk): Promise<void> {
  const { cluster } = walk
  const told = step(walk)
  for (const { id } of cluster.running) {
    await post(cluster, '/cluster/transfer', { from: id })
    const tookMs = await cluster.untilMembers('it should lead nothing', ({ members }) =>
      members.some((member) => member.node_id === id && member.leads === 0),
    )
    await told(`${id} gave its leadership away`, tookMs)
  }
  await post(cluster, '/cluster/rebalance', {})
}
