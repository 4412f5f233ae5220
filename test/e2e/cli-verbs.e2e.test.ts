import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { AcquireGranted } from '#api/locks/acquire.ts'
import type { LocksView } from '#api/locks/views.ts'
import type { Finding } from '#cli/doctor/finding.ts'
import type { ClusterStatus } from '#cli/service/cluster-status.ts'
import { cli, program } from '#test/harness/cli.ts'
import type { CliEnding } from '#test/harness/cli.ts'
import { freePorts } from '#test/harness/free-ports.ts'
import { LockCluster } from '#test/harness/lock-cluster.ts'

test('a cluster is used from the command line', async (t) => {
  await using cluster = await LockCluster.start()
  await acquiring(t, cluster)
  await looking(t, cluster)
  await failing(t, cluster)
})

type Run = (...args: readonly string[]) => Promise<CliEnding>

function runAt(cluster: LockCluster): Run {
  const env = { LOCKSTEP_LOCK_URL: cluster.nodes.map(({ url }) => url).join(',') }
  return (...args) => cli(args, { env })
}

async function acquiring(t: TestContext, cluster: LockCluster): Promise<void> {
  const run = runAt(cluster)
  await t.test('acquire prints the token and nothing else, release takes it back', async () => {
    const acquired = await run('acquire', 'db', '--ttl', '5m')
    assert.deepEqual({ code: acquired.code, stderr: acquired.stderr }, { code: 0, stderr: '' })
    assert.match(acquired.stdout, /^\d+\n$/)
    assert.deepEqual(await run('release', 'db', '--token', acquired.stdout.trim()), { code: 0, stdout: '', stderr: '' })
    const again = await run('release', 'db', '--token', acquired.stdout.trim())
    assert.equal(again.code, 1)
    assert.match(again.stderr, /^lockstep: not_holder: nobody holds "db" by the token/)
  })

  await t.test(
    'two that acquire without a name of their own exclude each other; a held lock is another exit code than a refusal',
    async () => {
      const first = await run('acquire', 'one', '--json')
      const { client_id: client } = JSON.parse(first.stdout) as AcquireGranted
      const second = await run('acquire', 'one', '--wait', '100ms')
      assert.equal(second.code, 75)
      assert.match(second.stderr, /^lockstep: lock_timeout: "one" was not free within \d+ ms: it is held by/)
      assert.equal((await run('acquire', 'one', '--client', client)).code, 0, 'who has it already has it')
      assert.equal((await run('release', 'one', '--client', 'stranger')).code, 1)
      assert.equal((await run('release', 'one', '--client', client)).code, 0)
    },
  )

  await t.test('a deadlock is a refusal', async () => {
    const [a, b] = ['A', 'B'].map((client) => ['--client', client])
    assert.ok(a !== undefined && b !== undefined)
    assert.equal((await run('acquire', 'left', ...a)).code, 0)
    assert.equal((await run('acquire', 'right', ...b)).code, 0)
    const waiting = run('acquire', 'right', '--wait', '20s', ...a)
    const [node] = cluster.nodes
    assert.ok(node !== undefined)
    for (;;) {
      const { waiter_count: count } = (await cluster.get(node, '/locks/right')).body as { readonly waiter_count: number }
      if (count === 1) break
    }
    const refused = await run('acquire', 'left', '--wait', '20s', ...b)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /^lockstep: deadlock: /)
    assert.equal((await run('release', 'right', ...b)).code, 0)
    assert.equal((await waiting).code, 0)
  })
}

async function looking(t: TestContext, cluster: LockCluster): Promise<void> {
  const run = runAt(cluster)
  await t.test('locks lists them by name, filters, pages and shows one with its odd name', async () => {
    const names = ['a b', 'odd/one', 'odd/two', '..']
    const acquired = await Promise.all(names.map((name) => run('acquire', name, '--client', 'me', '--shared')))
    for (const { code } of acquired) assert.equal(code, 0)
    const { stdout } = await run('locks', '--prefix', 'odd/')
    assert.match(stdout, /^odd\/one\tshared\tme\t\d+\t\d+ s\t0\nodd\/two\tshared\tme\t.*\n$/)
    const page = await run('locks', '--prefix', 'odd/', '--limit', '1')
    assert.equal(page.stdout.split('\n').length, 2)
    assert.match(page.stderr, /^more follow: lockstep locks --after "odd\/one"/)
    const all = JSON.parse((await run('locks', '--json', '--local')).stdout) as LocksView
    for (const name of names) assert.ok(all.locks.some(({ resource_id: found }) => found === name))
    const details = await Promise.all(names.map((name) => run('locks', name)))
    for (const detail of details) assert.match(detail.stdout, /^holder\tme\tshared\t\d+\t\d+ s\n$/)
    assert.equal((await run('locks', 'nobody has it')).stdout, '')
  })

  await t.test('status names the leader and counts', async () => {
    const leader = await cluster.leader()
    const { code, stdout } = await run('status', '--json', '--url', leader.url)
    const status = JSON.parse(stdout) as ClusterStatus
    assert.equal(code, 0)
    assert.equal(status.leader, leader.id)
    assert.deepEqual(
      status.nodes.map(({ node_id: id, role }) => [id, role]),
      cluster.nodes.map(({ id }) => [id, id === leader.id ? 'leader' : 'follower']),
      'all members, though one url was given',
    )
    assert.equal(status.counts?.['deadlocks'], 1)
    assert.ok((status.counts['holds'] ?? 0) >= 4)
    assert.match((await run('status', 'lock')).stdout, /\tleader\t[^]*\nholds \d+ {2}waits 0 {2}sessions \d+ {2}deadlocks 1\n$/)
  })
}

async function failing(t: TestContext, cluster: LockCluster): Promise<void> {
  const run = runAt(cluster)
  await t.test('with a node gone all goes on, and it is shown where', async () => {
    const leader = await cluster.leader()
    const gone = cluster.nodes.find((node) => node !== leader)
    assert.ok(gone !== undefined)
    await gone.kill('SIGKILL')
    const urls = [gone, leader].map(({ url }) => url).join()
    assert.equal((await cli(['acquire', 'after', '--url', urls])).code, 0)
    const status = JSON.parse((await run('status', 'lock', '--json')).stdout) as ClusterStatus
    const shown = status.nodes.find(({ node_id: id }) => id === gone.id)
    assert.match(shown?.problem ?? '', /connection refused/)
    assert.equal(shown?.reachable, false)
    const doctor = await run('doctor', 'lock', '--json')
    const { findings } = JSON.parse(doctor.stdout) as { readonly findings: readonly Finding[] }
    const verdictOf = (check: string) => findings.find((finding) => finding.check === check)?.verdict
    assert.equal(doctor.code, 1)
    assert.deepEqual([verdictOf(gone.id), verdictOf(leader.id), verdictOf(`port ${gone.port}`)], ['broken', 'ok', 'ok'])
    assert.ok(['lock leader', 'lock cluster', 'lock version'].every((check) => verdictOf(check) === 'ok'))
  })

  await t.test('a node that hangs is passed over', async () => {
    const leader = await cluster.leader()
    const hung = cluster.running.find((node) => node !== leader)
    assert.ok(hung !== undefined)
    hung.signal('SIGSTOP')
    const urls = [hung, leader].map(({ url }) => url).join()
    // Two of three do not run: only what this node knows can be told.
    const { code, stdout } = await cli(['locks', '--local', '--url', urls])
    hung.signal('SIGCONT')
    assert.equal(code, 0)
    assert.match(stdout, /^after\t/m)
  })
}

test('no cluster is told from a held lock, with what was tried', async () => {
  const urls = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`)
  const where = ['--url', urls[0] ?? '', '--url', urls[1] ?? '']
  for (const args of [['acquire', 'x'], ['release', 'x', '--client', 'c'], ['locks'], ['run', '--lock', 'x']]) {
    const [verb = '', ...rest] = args
    const { code, stdout, stderr } = await cli([verb, ...where, ...rest, ...(verb === 'run' ? ['--', 'true'] : [])])
    assert.deepEqual({ code, stdout }, { code: 69, stdout: '' }, verb)
    for (const url of urls) assert.ok(stderr.includes(`${url}  connection refused`), stderr)
  }
  assert.equal((await cli(['status', ...where])).code, 69)
})

test('what is wrong on the command line is told at once, with exit code 2, and nothing is done', async () => {
  const { code, stdout, stderr } = await cli(['acquire', '--ttl', 'soon', '--wait', '--url', 'ftp://x', '--tll=1s'])
  assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
  for (const part of ['--ttl', '--wait needs', '--url', '--tll=1s is not', 'NAME', 'lockstep acquire --help'])
    assert.ok(stderr.includes(part), stderr)
  for (const args of [[], ['frobnicate'], ['release', 'x'], ['run', '--lock', 'x'], ['locks', 'x', '--prefix', 'y'], ['up', 'x']]) {
    assert.equal((await cli(args)).code, 2, args.join(' '))
  }
})

test('a Node.js that is too old is told in one sentence', () => {
  const older = 'data:text/javascript,Object.defineProperty(process, "versions", { value: { node: "20.1.0" } })'
  const { status, stderr } = spawnSync(process.execPath, ['--import', older, program, 'status'], { encoding: 'utf8' })
  assert.equal(status, 78)
  assert.match(stderr, /^lockstep: Node\.js 24\.0 or newer is needed, and this is 20\.1\.0 .*\n$/)
})

test('every command has help with examples', async () => {
  const { code, stdout } = await cli(['help'])
  assert.equal(code, 0)
  const verbs = [...stdout.matchAll(/^ {2}([a-z]+)/gm)].map(([, verb = '']) => verb).filter((verb) => verb !== 'help')
  assert.equal(verbs.length, 24)
  const helps = await Promise.all(verbs.map(async (verb) => ({ verb, help: await cli([verb, '--help']) })))
  for (const { verb, help } of helps) {
    assert.equal(help.code, 0)
    assert.match(help.stdout, new RegExp(`Examples:\n  lockstep ${verb}|Examples:\n.*lockstep ${verb}`))
    assert.match(help.stdout, /\nExit codes: /)
  }
})
