import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { MembersView } from '#api/common/operators.ts'
import type { ClusterStatus } from '#cli/service/cluster-status.ts'
import { Cli, cli } from '#test/harness/cli.ts'
import type { CliEnding } from '#test/harness/cli.ts'
import { freeOffset } from '#test/harness/free-offset.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import { until } from '#test/harness/until.ts'
import { pidOf, urlsOf, variablesOf } from '#test/harness/up-nodes.ts'

/** Replicas of 33 groups move twice, on a machine that does much else. */
const timeout = 280_000

const sorted = (names: Iterable<string>): readonly string[] => [...names].toSorted()
const idsIn = ({ members }: MembersView): readonly string[] => sorted(members.map(({ node_id: id }) => id))
const memberOf = ({ members }: MembersView, id: string): MembersView['members'][number] | undefined =>
  members.find(({ node_id: each }) => each === id)

test('members, join, transfer, rebalance and leave change a real cluster, and return when it is done', { timeout }, async (t) => {
  await using cluster = await QueueCluster.start()
  const env = { LOCKSTEP_QUEUE_URL: cluster.nodes.map(({ url }) => url).join() }
  const run = (...args: readonly string[]): Promise<CliEnding> => cli([...args, '--timeout', '30s'], { env })
  const order = (...args: readonly string[]): Promise<CliEnding> => run('cluster', ...args, '--service', 'queue', '--json')
  const members = async (): Promise<MembersView> => {
    const { code, stdout, stderr } = await order('members')
    assert.deepEqual([code, stderr], [0, ''])
    return JSON.parse(stdout) as MembersView
  }
  const three = sorted(cluster.nodes.map(({ id }) => id))
  const [first] = cluster.nodes as [NodeProcess]
  assert.equal((await run('produce', 'letters', '"kept"')).code, 0)

  await t.test('members are those that run', async () => {
    assert.deepEqual(idsIn(await members()), three)
    const { stdout } = await run('cluster', 'members', '--service', 'queue')
    assert.deepEqual(
      sorted(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.split('\t')[0] ?? ''),
      ),
      three,
    )
  })

  await t.test('join waits until the new node has its share', async () => {
    await cluster.join('late')
    const { code, stdout, stderr } = await order('join', 'late', '--wait', '3m')
    assert.deepEqual([code, stderr, JSON.parse(stdout)], [0, '', { status: 'joined', node_id: 'late' }])
    const view = await members()
    assert.deepEqual([idsIn(view), view.moves_left], [sorted([...three, 'late']), 0])
    assert.equal(memberOf(view, 'late')?.state, 'active')
    assert.ok((memberOf(view, 'late')?.replicas ?? 0) > 10)
  })

  await handingOver(t, { order, members, id: first.id })

  await t.test('who is no member cannot leave', async () => {
    const { code, stderr } = await order('leave', 'stranger')
    assert.equal(code, 1)
    assert.match(stderr, /^lockstep: unknown_member: /)
  })

  await t.test('leave waits until the node has gone, and what it had is at the others', async () => {
    const { code, stderr } = await order('leave', first.id, '--wait', '4m')
    assert.deepEqual([code, stderr], [0, ''])
    const view = await members()
    assert.deepEqual([idsIn(view), view.moves_left], [sorted([...three.filter((id) => id !== first.id), 'late']), 0])
    assert.deepEqual(await first.ended(), { code: 0, signal: null })
    assert.equal((await run('consume', 'letters', '--wait', '20s')).stdout, '"kept"\n')
  })
})

interface Scene {
  readonly order: (...args: readonly string[]) => Promise<CliEnding>
  readonly members: () => Promise<MembersView>
  readonly id: string
}

interface Transferring {
  readonly leaders: readonly { readonly slot: number; readonly to: string }[]
}

async function handingOver(t: TestContext, { order, members, id }: Scene): Promise<void> {
  await t.test('transfer waits until a node leads nothing, and until another leads a slot', async () => {
    const all = await order('transfer', '--from', id)
    assert.equal(all.code, 0, all.stderr)
    const { leaders } = JSON.parse(all.stdout) as Transferring
    assert.ok(leaders.length > 0 && leaders.every(({ to }) => to !== id))
    assert.equal(memberOf(await members(), id)?.leads, 0)

    const [{ slot }] = leaders as [Transferring['leaders'][number]]
    const back = await order('transfer', '--slot', String(slot), '--to', id)
    assert.equal(back.code, 0, back.stderr)
    assert.deepEqual(
      (JSON.parse(back.stdout) as Transferring).leaders.map(({ slot: of, to }) => [of, to]),
      [[slot, id]],
    )
    const view = await members()
    assert.ok((memberOf(view, id)?.leads ?? 0) >= 1)
    assert.ok(view.pinned_slots.includes(slot))
  })

  await t.test('rebalance lets the cluster choose its leaders again', async () => {
    const pinned = (await members()).pinned_slots
    const { code, stdout } = await order('rebalance')
    assert.deepEqual([code, JSON.parse(stdout)], [0, { status: 'rebalancing', slots: pinned }])
    assert.deepEqual((await members()).pinned_slots, [])
    await until('it leads its share', async () => (memberOf(await members(), id)?.leads ?? 0) > 1, 60_000)
  })
}

/** As `status --watch --json` prints them. */
const looksIn = (stdout: string): readonly (readonly ClusterStatus[])[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { readonly clusters: readonly ClusterStatus[] }).clusters)

const clusterIn = (clusters: readonly ClusterStatus[] | undefined, service: string): ClusterStatus => {
  const found = clusters?.find((cluster) => cluster.service === service)
  assert.ok(found !== undefined, service)
  return found
}

type Counts = NonNullable<ClusterStatus['counts']>
const countsOf = (clusters: readonly ClusterStatus[], service: string): Partial<Counts> => clusterIn(clusters, service).counts ?? {}

interface Watched {
  readonly folder: string
  readonly offset: number
  readonly run: (...args: readonly string[]) => Promise<string>
  /** Waits for a look, from now on, that shows it. */
  readonly seen: (what: string, isSo: (clusters: readonly ClusterStatus[]) => boolean) => Promise<readonly ClusterStatus[]>
}

test('status shows three clusters, and with --watch what has become of them since', { timeout }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-status-'))
  const offset = await freeOffset()
  const env = variablesOf(offset)
  const run = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await cli(args, { env })
    assert.equal(code, 0, stderr)
    return stdout
  }
  try {
    await using up = new Cli(['up', '--data', folder, '--port-offset', String(offset), '--log-level', 'warn'])
    await up.printed(/^ready; /m, 90_000)
    await run('acquire', 'x', '--ttl', '0')
    for (const body of ['1', '2']) await run('produce', 'letters', body)
    await run('cache', 'set', 'key', '1')

    await t.test('each node is a line, with what it says of itself', async () => {
      const stdout = await run('status')
      for (const service of ['lock', 'queue', 'cache'] as const) {
        for (const [at, url] of urlsOf(service, offset).entries())
          assert.match(stdout, new RegExp(`^${service}-node-${at + 1}\\t${url}\\t(leader|follower)\\t\\d+\\t`, 'm'))
      }
      assert.match(stdout, /^holds 1 {2}waits 0 {2}/m)
      assert.match(stdout, /^queues 1 {2}ready 2 {2}in flight 0 {2}/m)
    })

    await using watch = new Cli(['status', '--watch', '--every', '500ms', '--json'], { env })
    const seen: Watched['seen'] = async (what, isSo) => {
      const from = looksIn(watch.stdout).length
      const found = (): readonly ClusterStatus[] | undefined => looksIn(watch.stdout).slice(from).find(isSo)
      await until(what, () => found() !== undefined, 60_000)
      return found() ?? []
    }
    await watching(t, { folder, offset, run, seen })
    watch.signal('SIGINT')
    assert.deepEqual([(await watch.ended()).code, watch.stderr], [0, ''])
    up.signal('SIGINT')
    assert.equal((await up.ended()).code, 0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

async function watching(t: TestContext, { folder, offset, run, seen }: Watched): Promise<void> {
  await t.test('it goes on, and sees how deep queues are, who holds what, and what caches have read', async () => {
    const before = await seen('a look', () => true)
    assert.deepEqual([countsOf(before, 'queue')['ready'], countsOf(before, 'lock')['holds']], [2, 1])
    for (const body of ['3', '4', '5']) await run('produce', 'letters', body)
    await run('acquire', 'y', '--ttl', '0')
    const [url = ''] = urlsOf('cache', offset)
    for (let reads = 0; reads < 5; reads++) await run('cache', 'get', 'key', '--url', url)
    const after = await seen(
      'what was done',
      (clusters) => countsOf(clusters, 'queue')['ready'] === 5 && countsOf(clusters, 'lock')['holds'] === 2,
    )
    const { counts } = clusterIn(after, 'cache').nodes.find(({ node_id: id }) => id === 'cache-node-1') ?? {}
    const said = (await (await fetch(`${url}/metrics?format=json`)).json()) as { readonly performance: { readonly hit_rate: number } }
    assert.ok(said.performance.hit_rate > 0.5)
    assert.equal(counts?.['hit_percent'], Math.round(said.performance.hit_rate * 100))
  })

  await t.test('it sees that another leads when the leader has died', async () => {
    const { leader, term } = clusterIn(await seen('a leader', (clusters) => clusterIn(clusters, 'lock').leader !== null), 'lock')
    process.kill(pidOf(folder, leader ?? ''), 'SIGKILL')
    const others = await seen('another leader', (clusters) => ![null, leader].includes(clusterIn(clusters, 'lock').leader))
    const after = clusterIn(others, 'lock')
    assert.ok(after.term > term)
    assert.equal(after.nodes.find(({ node_id: id }) => id === after.leader)?.role, 'leader')
  })
}
