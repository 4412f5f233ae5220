import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { MetricsReport } from '#api/common/metrics.ts'
import type { LockCluster, LockReply } from './lock-cluster.ts'
import type { NodeProcess } from './node-process.ts'
import { until } from './until.ts'

interface Token {
  readonly fencing_token: number
}
interface Failure {
  readonly error: {
    readonly code: string
    readonly retryable: boolean
    readonly cycle?: readonly string[]
    readonly waits?: readonly object[]
  }
}

const tokenOf = ({ body }: LockReply): number => (body as Token).fencing_token
const exclusive = { lock_type: 'exclusive' } as const

/** A part of the walk-through, by way of one node and the two others. */
interface Stop {
  readonly cluster: LockCluster
  readonly node: NodeProcess
  readonly second: NodeProcess
  readonly third: NodeProcess
  readonly name: string
}

const stops: readonly (readonly [claim: string, visit: (stop: Stop) => Promise<void>])[] = [
  [
    'acquire, queue and release, each on another node',
    async ({ cluster, node, second, third, name }) => {
      const resource = { resource_id: `db_table@${name}` }
      const granted = await cluster.post(node, '/acquire', { ...resource, client_id: 'client_A', ...exclusive })
      assert.equal(granted.status, 200)
      const { fencing_token: token, expires_at: at, ...rest } = granted.body as Token & { readonly expires_at: string }
      assert.deepEqual(rest, { status: 'granted', ...resource, client_id: 'client_A', ...exclusive, ttl_ms: 60_000 })
      assert.ok(Number.isSafeInteger(token) && token >= 1)
      assert.match(at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)

      const queued = await cluster.post(second, '/acquire', { ...resource, client_id: 'client_B', ...exclusive })
      assert.equal(queued.status, 202)
      const holder = { client_id: 'client_A', ...exclusive, fencing_token: token }
      const place = { status: 'queued', position: 1, holders: [holder], ttl_ms: 60_000 }
      assert.deepEqual(queued.body, { ...resource, client_id: 'client_B', ...exclusive, ...place })

      const released = await cluster.post(third, '/release', { ...resource, client_id: 'client_A' })
      assert.equal(released.status, 200)
      const heir = { client_id: 'client_B', ...exclusive, fencing_token: token + 1 }
      assert.deepEqual(released.body, { status: 'released', granted_to: [heir] })

      const again = await cluster.post(node, '/acquire', { ...resource, client_id: 'client_B', ...exclusive })
      assert.deepEqual([again.status, tokenOf(again)], [200, token + 1], 'the same acquire again: granted, the same token')
      assert.equal((await cluster.post(node, '/release', { ...resource, client_id: 'client_B', fencing_token: token + 1 })).status, 200)
    },
  ],

  [
    'readers share',
    async ({ cluster, node, second, third, name }) => {
      const shared = { resource_id: `config_file@${name}`, lock_type: 'shared' }
      const first = await cluster.post(node, '/acquire', { ...shared, client_id: 'reader_1' })
      const other = await cluster.post(node, '/acquire', { ...shared, client_id: 'reader_2' })
      assert.deepEqual([first.status, other.status], [200, 200])
      assert.notEqual(tokenOf(first), tokenOf(other))
      // A reader does not pass a writer that waits, and readers behind it are readers when their turn comes.
      assert.equal((await cluster.post(node, '/acquire', { ...shared, lock_type: 'exclusive', client_id: 'writer' })).status, 202)
      assert.equal((await cluster.post(second, '/acquire', { ...shared, client_id: 'reader_3' })).status, 202)
      assert.equal((await cluster.post(third, '/acquire', { ...shared, client_id: 'reader_4' })).status, 202)
      for (const reader of ['reader_1', 'reader_2'])
        await cluster.post(node, '/release', { ...shared, lock_type: undefined, client_id: reader })
      const released = await cluster.post(node, '/release', { resource_id: shared.resource_id, client_id: 'writer' })
      const grantedTo = (released.body as { readonly granted_to: readonly { readonly client_id: string; readonly lock_type: string }[] })
        .granted_to
      assert.deepEqual(
        grantedTo.map(({ client_id: client, lock_type: mode }) => `${client} ${mode}`),
        ['reader_3 shared', 'reader_4 shared'],
      )
    },
  ],

  [
    'GET /locks says who answers, who leads, and all locks',
    async ({ cluster, node, second, name }) => {
      const resource = { resource_id: `listed@${name}` }
      await cluster.post(second, '/acquire', { ...resource, client_id: 'client_A' })
      const { status, body } = await cluster.get(node, `/locks?prefix=listed@${name}`)
      const view = body as {
        readonly node_id: string
        readonly role: string
        readonly leader: string
        readonly term: number
        readonly locks: readonly { readonly resource_id: string }[]
      }
      assert.equal(status, 200)
      assert.equal(view.node_id, name)
      assert.ok(['leader', 'follower'].includes(view.role))
      assert.match(view.leader, /^lock-node-[123]$/)
      assert.ok(view.term >= 1)
      assert.deepEqual(
        view.locks.map(({ resource_id: id }) => id),
        [resource.resource_id],
      )
      assert.equal((await cluster.get(node, '/locks?consistency=local')).status, 200)
    },
  ],

  [
    'two clients that would wait for each other are told at once, with the cycle',
    async ({ cluster, node, second, third, name }) => {
      const [r1, r2] = [`R1@${name}`, `R2@${name}`]
      const [a, b] = [`A@${name}`, `B@${name}`]
      assert.equal((await cluster.post(node, '/acquire', { resource_id: r1, client_id: a })).status, 200)
      assert.equal((await cluster.post(second, '/acquire', { resource_id: r2, client_id: b })).status, 200)
      const waiting = cluster.post(third, '/acquire', { resource_id: r2, client_id: a, wait_ms: 20_000 })
      await queueIs(cluster, node, r2, [a])
      const since = performance.now()
      const refused = await cluster.post(node, '/acquire', { resource_id: r1, client_id: b, wait_ms: 20_000 })
      assert.ok(performance.now() - since < 5_000, 'at once')
      assert.equal(refused.status, 409)
      const { error } = refused.body as Failure
      assert.deepEqual([error.code, error.retryable, error.cycle], ['deadlock', false, [b, a]])
      assert.equal(error.waits?.length, 2)
      // The victim keeps what it holds; when it lets go, the other goes on.
      await cluster.post(node, '/release', { resource_id: r2, client_id: b })
      assert.equal((await waiting).status, 200)
    },
  ],

  [
    'metrics for people and for Prometheus',
    async ({ cluster, node }) => {
      const { status, body } = await cluster.get(node, '/metrics')
      assert.equal(status, 200)
      const { metrics } = body as MetricsReport
      const countOf = (metric: string): number =>
        (metrics[metric]?.values ?? []).reduce((sum, { count = 0, value = 0 }) => sum + count + value, 0)
      assert.ok(countOf('lockstep_election_seconds') > 0, 'an election was measured')
      assert.ok(countOf('lockstep_lock_acquire_seconds') > 0, 'acquires were measured')
      assert.ok(countOf('lockstep_deadlocks_total') > 0, 'deadlocks were counted')
      assert.equal(countOf('lockstep_metrics_refused_total'), 0)
      const text = await cluster.get(node, '/metrics', 'text/plain')
      assert.equal(text.status, 200)
      assert.match(String(text.body), /^lockstep_lock_acquire_seconds_bucket\{.*\} \d+$/m)
    },
  ],

  [
    'an error is never a 200',
    async ({ cluster, node, name }) => {
      const resource = { resource_id: `missing@${name}` }
      const outcomes = [
        await cluster.post(node, '/release', { ...resource, client_id: 'nobody' }),
        await cluster.post(node, '/acquire', { ...resource }),
        await cluster.get(node, '/nothing'),
        await cluster.ask(node, 'POST', '/sessions/none/keepalive'),
        await cluster.ask(node, 'DELETE', '/sessions/none'),
      ]
      const codes = outcomes.map(({ status, body }) => `${status} ${(body as Failure).error.code}`)
      assert.deepEqual(codes, ['404 unknown_resource', '400 invalid_request', '404 not_found', '410 session_lost', '404 unknown_session'])
    },
  ],

  [
    'sessions, extend, check, several at once and force-release',
    async ({ cluster, node, second, third, name }) => {
      const client = { client_id: `client@${name}` }
      const opened = await cluster.post(node, '/sessions', client)
      assert.equal(opened.status, 201)
      const { session_id: session } = opened.body as { readonly session_id: string }
      const kept = await cluster.ask(second, 'POST', `/sessions/${session}/keepalive`)
      assert.deepEqual(kept.body, { status: 'kept', session_id: session, ttl_ms: 10_000, wounded: false })
      const many = {
        ...client,
        session_id: session,
        resources: [{ resource_id: `m1@${name}` }, { resource_id: `m2@${name}`, lock_type: 'shared' }],
      }
      const granted = await cluster.post(node, '/acquire-many', many)
      assert.equal(granted.status, 200)
      const { locks } = granted.body as { readonly locks: readonly (Token & { readonly resource_id: string })[] }
      const token = { resource_id: `m1@${name}`, fencing_token: locks[0]?.fencing_token }
      assert.deepEqual((await cluster.post(third, '/check', token)).body, { valid: true, reason: 'held' })
      assert.equal((await cluster.post(node, '/extend', { ...client, resource_id: `m1@${name}` })).status, 409, 'its session carries it')
      assert.equal((await cluster.ask(node, 'DELETE', `/sessions/${session}`)).status, 200)
      assert.deepEqual((await cluster.post(node, '/check', token)).body, { valid: false, reason: 'expired' })
      const own = { ...client, resource_id: `own@${name}` }
      await cluster.post(node, '/acquire', own)
      assert.equal((await cluster.post(node, '/extend', { ...own, ttl_ms: 5_000 })).status, 200)
      assert.equal((await cluster.post(node, '/force-release', { resource_id: own.resource_id, reason: 'a test' })).status, 200)
      await until('the audit says so', () => /action\W+forceRelease/.test(node.output))
    },
  ],

  [
    'what it is, whether it can serve, and its reference',
    async ({ cluster, node, name }) => {
      const { body } = await cluster.get(node, '/')
      assert.deepEqual([(body as { readonly service: string }).service, (body as { readonly node_id: string }).node_id], ['lock', name])
      for (const path of ['/healthz', '/readyz', '/cluster', '/deadlocks', '/openapi.json', '/docs'])
        assert.equal((await cluster.get(node, path)).status, 200)
    },
  ],
]

/** Every call of the walk-through, by way of every node. */
export async function walkThroughLocks(t: TestContext, cluster: LockCluster): Promise<void> {
  for (const [at, node] of cluster.nodes.entries()) {
    const [second, third] = [cluster.nodes[(at + 1) % 3] as NodeProcess, cluster.nodes[(at + 2) % 3] as NodeProcess]
    for (const [claim, visit] of stops) await t.test(`${node.id}: ${claim}`, () => visit({ cluster, node, second, third, name: node.id }))
  }

  await t.test('the leader measures its rounds of consensus', async () => {
    const leader = await cluster.leader()
    const { metrics } = (await cluster.get(leader, '/metrics')).body as MetricsReport
    const rounds = metrics['lockstep_consensus_round_seconds']?.values.find(({ labels }) => labels['group'] === '1')
    assert.ok((rounds?.count ?? 0) > 0)
    t.diagnostic(
      `consensus round: p50 ${((rounds?.p50 ?? NaN) * 1_000).toFixed(1)} ms, p99 ${((rounds?.p99 ?? NaN) * 1_000).toFixed(1)} ms`,
    )
  })
}

/** Waits until the queue of a resource is just this. */
async function queueIs(cluster: LockCluster, node: NodeProcess, resource: string, clients: readonly string[]): Promise<void> {
  for (;;) {
    const { body } = await cluster.get(node, `/locks/${encodeURIComponent(resource)}`)
    const { waiters } = body as { readonly waiters: readonly { readonly client_id: string }[] }
    if (waiters.map(({ client_id: client }) => client).join() === clients.join()) return
  }
}
