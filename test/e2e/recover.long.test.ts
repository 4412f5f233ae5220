import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { lockLimits } from '#core/lock/limits.ts'
import { cli } from '#test/harness/cli.ts'
import { LockCluster } from '#test/harness/lock-cluster.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import type { ServiceCluster } from '#test/harness/service-cluster.ts'
import { until } from '#test/harness/until.ts'

/** The folders of two nodes are gone for good; the third has heard of everything. */
async function leftAlone(cluster: ServiceCluster): Promise<readonly [NodeProcess, NodeProcess, NodeProcess]> {
  // A follower is told on the next round what was committed on its last word.
  await new Promise((resolve) => {
    setTimeout(resolve, 2_000)
  })
  const [left, ...others] = cluster.nodes as [NodeProcess, NodeProcess, NodeProcess]
  for (const node of [left, ...others]) await node.kill('SIGKILL')
  for (const { data } of others) rmSync(data, { recursive: true })
  return [left, ...others]
}

interface Told {
  readonly status: string
  readonly node_id: string
  readonly kept: readonly { readonly slot: number }[]
  readonly lost_slots: readonly number[]
}

async function recovered({ data }: NodeProcess): Promise<Told> {
  const shown = await cli(['recover', '--data', data])
  assert.equal(shown.code, 0, shown.stderr)
  assert.match(shown.stdout, /Nothing was changed/)
  const done = await cli(['recover', '--data', data, '--yes', '--json'])
  assert.equal(done.code, 0, done.stderr)
  return JSON.parse(done.stdout) as Told
}

async function wholeAgain(cluster: ServiceCluster, others: readonly NodeProcess[]): Promise<void> {
  for (const node of others) node.start()
  await cluster.untilMembers('all are there, and have everything', ({ members, moves_left: left }) => {
    const active = members.filter(({ state }) => state === 'active')
    return active.length === 3 && left === 0
  })
}

test('decision R3: locks go on with one node when two folders are gone, and no token comes again', async () => {
  await using cluster = await LockCluster.start()
  const [first] = cluster.nodes as [NodeProcess]
  const named = { resource_id: 'orders', client_id: 'a' }
  const before = (await cluster.post(first, '/acquire', { ...named, ttl_ms: 600_000 })).body as { readonly fencing_token: number }
  const running = await cli(['recover', '--data', first.data])
  assert.equal(running.code, 4, 'a node that runs has its store')
  const [left, ...others] = await leftAlone(cluster)
  left.start()
  await until('it answers', async () => (await fetch(`${left.url}/healthz`)).ok, 60_000)
  assert.equal((await fetch(`${left.url}/readyz`)).status, 503, 'one of three goes on with nothing')
  await left.kill('SIGKILL')
  const { status, node_id: id, lost_slots: lost } = await recovered(left)
  assert.deepEqual([status, id, lost], ['written', left.id, []])
  left.start()
  await until('it is ready', async () => (await fetch(`${left.url}/readyz`)).ok, 60_000)
  assert.equal(await isHeld(cluster, left), true, 'what was held is held')
  const other = (await cluster.post(left, '/acquire', { resource_id: 'other', client_id: 'b', ttl_ms: 1_000 })).body as typeof before
  assert.ok(other.fencing_token > before.fencing_token + lockLimits.skippedTokensMax)
  await wholeAgain(cluster, others)
  await left.kill('SIGKILL')
  await until('the others go on without it', () => isHeld(cluster, others[0]), 30_000)
})

const isHeld = async (cluster: ServiceCluster, node: NodeProcess): Promise<boolean> => {
  const { status } = await cluster.post(node, '/acquire', { resource_id: 'orders', client_id: 'b', wait_ms: 0 })
  return status === 408
}

test('decision R3: queues go on with one node when two folders are gone, with every message that it has', async () => {
  await using cluster = await QueueCluster.start()
  const [first] = cluster.nodes as [NodeProcess]
  const numbers = Array.from({ length: 200 }, (_, at) => at)
  for (const number of numbers) assert.equal((await cluster.post(first, '/produce', { queue: 'work', message: number })).status, 200)
  const [left, ...others] = await leftAlone(cluster)
  assert.equal((await recovered(left)).lost_slots.length, 0)
  left.start()
  await until('it is ready', async () => (await fetch(`${left.url}/readyz`)).ok, 60_000)
  await wholeAgain(cluster, others)
  const found = new Set<unknown>()
  await until('all have come', async () => {
    const reply = await cluster.post(left, '/consume', { queue: 'work', consumer_id: 'c', max: 100 })
    const { messages } = reply.body as { readonly messages: readonly { readonly message: unknown; readonly receipt: string }[] }
    for (const { message } of messages) found.add(message)
    return found.size === numbers.length
  })
})

test('a folder that no node has used is refused, and stays as it was', async () => {
  await using cluster = await LockCluster.start()
  const [{ data }] = cluster.nodes as [NodeProcess]
  const empty = `${data}-empty`
  const { code, stderr } = await cli(['recover', '--data', empty, '--yes'])
  assert.equal(code, 1)
  assert.match(stderr, /no node has kept anything there/)
  assert.throws(() => readdirSync(empty))
})
