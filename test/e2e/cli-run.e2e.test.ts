import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { LockDetail } from '#api/locks/views.ts'
import { acquireLock } from '#cli/service/acquire-lock.ts'
import { ServiceClient } from '#cli/service/service-client.ts'
import { Cli, cli } from '#test/harness/cli.ts'
import type { CliEnding } from '#test/harness/cli.ts'
import { LockCluster } from '#test/harness/lock-cluster.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { until } from '#test/harness/until.ts'

test('a command runs under a lock', async (t) => {
  await using cluster = await LockCluster.start()
  const world = worldOf(cluster)
  await running(t, world)
  await sharing(t, world)
})

function worldOf(cluster: LockCluster): World {
  const [node] = cluster.nodes
  assert.ok(node !== undefined)
  const env = { LOCKSTEP_LOCK_URL: cluster.nodes.map(({ url }) => url).join(',') }
  const look = async (name: string): Promise<LockDetail> => (await cluster.get(node, `/locks/${name}`)).body as LockDetail
  return { cluster, node, env, look, run: (...args) => cli(['run', ...args], { env }) }
}

interface World {
  readonly cluster: LockCluster
  readonly node: NodeProcess
  readonly env: Readonly<Record<string, string>>
  readonly look: (name: string) => Promise<LockDetail>
  readonly run: (...args: readonly string[]) => Promise<CliEnding>
}

async function running(t: TestContext, { env, look, run }: World): Promise<void> {
  await t.test('it knows the lock and its token, its exit code is passed on, and the lock is free afterwards', async () => {
    const ending = await run('--lock', 'a', '--', 'sh', '-c', 'echo "$LOCKSTEP_LOCK $LOCKSTEP_FENCING_TOKEN"; exit 7')
    assert.match(ending.stdout, /^a \d+\n$/)
    assert.deepEqual({ code: ending.code, stderr: ending.stderr }, { code: 7, stderr: '' })
    assert.equal((await look('a')).holder_count, 0)
  })

  await t.test('what cannot be run, and what a signal ends, have the exit codes of a shell', async () => {
    assert.equal((await run('--lock', 'a', 'no-such-command')).code, 127)
    assert.equal((await run('--lock', 'a', '--', import.meta.filename)).code, 126)
    assert.equal((await run('--lock', 'a', '--', 'sh', '-c', 'kill -9 $$')).code, 137)
    assert.equal((await look('a')).holder_count, 0)
  })

  await t.test('a signal is passed on, and the lock is released after the command has ended', async () => {
    await using holder = new Cli(['run', '--lock', 'b', '--', 'sh', '-c', 'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done'], {
      env,
    })
    await holder.printed(/up/)
    assert.equal((await look('b')).holder_count, 1)
    holder.signal('SIGTERM')
    assert.equal((await holder.ended()).code, 3)
    assert.equal((await look('b')).holder_count, 0)
  })
}

async function sharing(t: TestContext, { cluster, node, env, look, run }: World): Promise<void> {
  await t.test('a held lock: not to be had is 75, waiting in the queue ends with the grant, Ctrl-C leaves the queue', async () => {
    await using holder = new Cli(['run', '--lock', 'c', '--', 'sh', '-c', 'echo up; while :; do sleep 0.1; done'], { env })
    await holder.printed(/up/)
    for (const wait of ['0', '200ms']) {
      const busy = await run('--lock', 'c', '--wait', wait, '--', 'echo', 'never')
      assert.deepEqual({ code: busy.code, stdout: busy.stdout }, { code: 75, stdout: '' })
    }
    await using impatient = new Cli(['run', '--lock', 'c', '--', 'echo', 'never'], { env })
    await until('it waits', async () => (await look('c')).waiter_count === 1)
    impatient.signal('SIGINT')
    const left = await impatient.ended()
    assert.deepEqual({ code: left.code, stdout: left.stdout }, { code: 130, stdout: '' })
    assert.equal((await look('c')).waiter_count, 0)
    await using patient = new Cli(['run', '--lock', 'c', '--', 'echo', 'mine'], { env })
    await until('it waits', async () => (await look('c')).waiter_count === 1)
    holder.signal('SIGTERM')
    assert.deepEqual(await patient.ended(), { code: 0, stdout: 'mine\n', stderr: '' })
    assert.equal((await holder.ended()).code, 143)
  })

  await t.test('a wait that is longer than one request may be keeps its place', async () => {
    const client = new ServiceClient({ urls: cluster.nodes.map(({ url }) => url), timeoutMs: 5_000 })
    const { signal } = new AbortController()
    const wait = (clientId: string, requestMs: number) =>
      acquireLock(client, { resource_id: 'h', client_id: clientId }, { waitMs: 30_000, requestMs, signal })
    assert.ok((await wait('holder', 1_000)).ok)
    const order: string[] = []
    const first = wait('first', 400).then(({ ok }) => order.push(`first ${ok}`))
    await until('the first waits', async () => (await look('h')).waiter_count === 1)
    const before = (await look('h')).waiters[0]?.ends_at ?? ''
    const second = wait('second', 30_000).then(({ ok }) => order.push(`second ${ok}`))
    await until('the second waits, and the first has been sent again', async () => {
      const { waiters } = await look('h')
      return waiters.length === 2 && Date.parse(waiters[0]?.ends_at ?? '') - Date.parse(before) > 1_000
    })
    for (const clientId of ['holder', 'first']) {
      assert.equal((await cluster.post(node, '/release', { resource_id: 'h', client_id: clientId })).status, 200)
      await (clientId === 'holder' ? first : second)
    }
    assert.deepEqual(order, ['first true', 'second true'])
  })

  await t.test('shared locks are held at once', async () => {
    const inner = ['run', '--lock', 'd', '--shared', '--wait', '0', '--']
    await using outer = new Cli([...inner, 'sh', '-c', 'echo up; while :; do sleep 0.1; done'], { env })
    await outer.printed(/up/)
    assert.equal((await cli([...inner, 'true'], { env })).code, 0)
    assert.equal((await run('--lock', 'd', '--wait', '0', 'true')).code, 75)
    outer.signal('SIGTERM')
    assert.equal((await outer.ended()).code, 143)
  })
}
