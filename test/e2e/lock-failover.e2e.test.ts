import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LockDetail } from '#api/locks/views.ts'
import { summaryLine, summaryOf } from '#test/harness/leader-kills.ts'
import { LockCluster } from '#test/harness/lock-cluster.ts'
import { LockLoad } from '#test/harness/lock-load.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { until } from '#test/harness/until.ts'

interface Granted {
  readonly fencing_token: number
}

async function holdersOf(cluster: LockCluster, node: NodeProcess, resource: string): Promise<string> {
  const { status, body } = await cluster.get(node, `/locks/${resource}`)
  assert.equal(status, 200)
  const { holders, waiters } = body as LockDetail
  const held = holders.map(({ client_id: client, fencing_token: token }) => `${client}=${token}`)
  return [...held, '|', ...waiters.map(({ client_id: client }) => client)].join(' ')
}

test('the leader is killed while clients hold and wait: nobody loses a lock, nobody gets a second one, and waiting goes on', async (t) => {
  await using cluster = await LockCluster.start()
  const leader = await cluster.leader()
  const [here, there] = cluster.nodes.filter((node) => node !== leader) as [NodeProcess, NodeProcess]
  const session = ((await cluster.post(here, '/sessions', { client_id: 'A' })).body as { readonly session_id: string }).session_id
  const a = (await cluster.post(here, '/acquire', { resource_id: 'r1', client_id: 'A', session_id: session })).body as Granted
  const b = (await cluster.post(leader, '/acquire', { resource_id: 'r2', client_id: 'B', ttl_ms: 0, wait_ms: 0 })).body as Granted
  const c = cluster.post(here, '/acquire', { resource_id: 'r1', client_id: 'C', wait_ms: 50_000 })
  const d = cluster.post(there, '/acquire', { resource_id: 'r2', client_id: 'D', wait_ms: 50_000 })
  await until('both wait', async () => {
    const queues = [await holdersOf(cluster, there, 'r1'), await holdersOf(cluster, here, 'r2')]
    return queues.join() === `A=${a.fencing_token} | C,B=${b.fencing_token} | D`
  })
  assert.equal((await cluster.post(leader, '/acquire', { resource_id: 'r2', client_id: 'E' })).status, 202)

  const killedAt = performance.now()
  await leader.kill('SIGKILL')
  const refused = await cluster.post(there, '/acquire', { resource_id: 'r1', client_id: 'F', wait_ms: 0 })
  assert.equal(refused.status, 408, 'what A holds is held')
  t.diagnostic(`answered ${(performance.now() - killedAt).toFixed(0)} ms after the kill`)
  assert.equal((await cluster.ask(there, 'POST', `/sessions/${session}/keepalive`)).status, 200)
  for (const node of [here, there]) {
    assert.equal(await holdersOf(cluster, node, 'r1'), `A=${a.fencing_token} | C`)
    assert.equal(await holdersOf(cluster, node, 'r2'), `B=${b.fencing_token} | D E`)
  }
  await cluster.post(there, '/release', { resource_id: 'r1', client_id: 'A', fencing_token: a.fencing_token })
  await cluster.post(here, '/release', { resource_id: 'r2', client_id: 'B', fencing_token: b.fencing_token })
  const [toC, toD] = await Promise.all([c, d])
  assert.deepEqual([toC.status, toD.status], [200, 200])
  const tokenD = (toD.body as Granted).fencing_token
  assert.ok((toC.body as Granted).fencing_token > a.fencing_token && tokenD > b.fencing_token)
  assert.deepEqual((await cluster.post(here, '/check', { resource_id: 'r2', fencing_token: b.fencing_token })).body, {
    valid: false,
    reason: 'superseded',
  })

  leader.start()
  await cluster.ready()
  assert.equal(await holdersOf(cluster, leader, 'r2'), `D=${tokenD} | E`)
  assert.equal((await cluster.post(leader, '/release', { resource_id: 'r2', client_id: 'D', fencing_token: tokenD })).status, 200)
  assert.match(await holdersOf(cluster, here, 'r2'), /^E=\d+ \|$/)
})

test('the leader is killed again and again under load: no two clients have a lock at once, and tokens grow', async (t) => {
  await using cluster = await LockCluster.start()
  await using load = new LockLoad(cluster, { clients: 8, locks: 3 })
  const recoveries: number[] = []
  for (let kill = 0; kill < 4; kill++) {
    const before = load.tenures.length
    await until('locks are taken', () => load.tenures.length > before + 30)
    const victim = await cluster.leader()
    const killedAt = performance.now()
    await victim.kill('SIGKILL')
    await until('locks are taken again', () => load.tenures.some(({ from }) => from > killedAt + 100))
    recoveries.push((load.tenures.find(({ from }) => from > killedAt + 100)?.from ?? NaN) - killedAt)
    victim.start()
    await cluster.ready()
  }
  await load.stop()
  t.diagnostic(
    `${load.tenures.length} locks taken, ${load.doubtful} requests sent again; after a kill: ${summaryLine(summaryOf(recoveries))}`,
  )
  assert.deepEqual(load.violations(), [])
  assert.ok(new Set(load.tenures.map(({ client }) => client)).size === 8, 'every client had its turn')
})

test('a leader that was paused grants nothing when it wakes, and finds the lock with whoever got it meanwhile', async () => {
  await using cluster = await LockCluster.start()
  const leader = await cluster.leader()
  const [here] = cluster.nodes.filter((node) => node !== leader) as [NodeProcess]
  assert.equal((await cluster.post(leader, '/acquire', { resource_id: 'r', client_id: 'A' })).status, 200)
  leader.signal('SIGSTOP')
  // Asked while it sleeps: the request waits in its socket.
  const late = cluster.post(leader, '/acquire', { resource_id: 'r', client_id: 'C', wait_ms: 0 })
  const released = await cluster.post(here, '/release', { resource_id: 'r', client_id: 'A' })
  assert.equal(released.status, 200)
  assert.equal((await cluster.post(here, '/acquire', { resource_id: 'r', client_id: 'B' })).status, 200)
  leader.signal('SIGCONT')
  assert.equal((await late).status, 408)
  assert.match(await holdersOf(cluster, leader, 'r'), /^B=\d+ \|$/)
})

test('a client that hangs up leaves the queue, and one whose node is told to stop is told so', async () => {
  await using cluster = await LockCluster.start()
  const leader = await cluster.leader()
  const [here, there] = cluster.nodes.filter((node) => node !== leader) as [NodeProcess, NodeProcess]
  assert.equal((await cluster.post(there, '/acquire', { resource_id: 'r', client_id: 'A' })).status, 200)
  const hangUp = new AbortController()
  const gone = cluster.post(here, '/acquire', { resource_id: 'r', client_id: 'B', wait_ms: 60_000, ttl_ms: 0 }, hangUp.signal)
  const stopped = cluster.post(here, '/acquire', { resource_id: 'r', client_id: 'C', wait_ms: 60_000 })
  await until('both wait', async () => /\| (?:B C|C B)$/.test(await holdersOf(cluster, there, 'r')))
  hangUp.abort()
  await assert.rejects(gone)
  await until('B has left the queue', async () => /^A=\d+ \| C$/.test(await holdersOf(cluster, there, 'r')))
  const ended = here.kill('SIGTERM')
  const { status, body } = await stopped
  assert.deepEqual([status, (body as { readonly error: { readonly code: string } }).error.code], [503, 'stopping'])
  await ended
  assert.deepEqual(here.ending, { code: 0, signal: null })
  assert.match(await holdersOf(cluster, there, 'r'), /^A=\d+ \|$/)
})
