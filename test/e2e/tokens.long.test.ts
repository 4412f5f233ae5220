import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { connect } from '#index.ts'
import { LockstepError } from '#sdk/errors.ts'
import { cli as runCli } from '#test/harness/cli.ts'
import { freePorts } from '#test/harness/free-ports.ts'
import { NodeProcess } from '#test/harness/node-process.ts'
import { until } from '#test/harness/until.ts'

type Service = 'lock' | 'queue' | 'cache'

interface World {
  readonly urls: Readonly<Record<Service, string>>
  readonly nodes: Readonly<Record<Service, NodeProcess>>
  readonly file: string
  /** By names. */
  readonly tokens: ReadonlyMap<string, string>
}

/** A node of each service, with tokens that the command line has made. */
async function start(context: TestContext, ...given: readonly (readonly [name: string, ...flags: readonly string[]])[]): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  const file = join(folder, 'tokens.json')
  const tokens = new Map<string, string>()
  for (const [name, ...flags] of given) {
    const made = await runCli(['token', 'create', '--name', name, ...flags, '--file', file])
    assert.equal(made.code, 0, made.stderr)
    tokens.set(name, made.stdout.trim())
  }
  const ports = await freePorts(3)
  const nodes = Object.fromEntries(
    (['lock', 'queue', 'cache'] as const).map((service, at) => {
      const address = `127.0.0.1:${ports[at]}`
      return [service, new NodeProcess({ id: `${service}-node-1`, address, voters: [address], folder, service, args: ['--tokens', file] })]
    }),
  ) as World['nodes']
  context.after(async () => {
    await Promise.all(Object.values(nodes).map((node) => node.kill('SIGKILL')))
    rmSync(folder, { recursive: true, force: true })
  })
  for (const node of Object.values(nodes)) node.start()
  for (const node of Object.values(nodes))
    await until('it is ready, and says so to anybody', async () => (await fetch(`${node.url}/readyz`)).ok, 30_000)
  const urls = { lock: nodes.lock.url, queue: nodes.queue.url, cache: nodes.cache.url }
  return { urls, nodes, file, tokens }
}

async function post(url: string, body: object, token?: string): Promise<{ readonly status: number; readonly code: string }> {
  const headers = { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  const { error } = (await response.json()) as { readonly error?: { readonly code: string } }
  return { status: response.status, code: error?.code ?? '' }
}

const refusedWith =
  (code: string) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof LockstepError, String(error))
    assert.equal(error.code, code, error.message)
    return true
  }

test('real nodes let in who shows a token, to do what that allows', { timeout: 240_000 }, async (context) => {
  const { urls, nodes, tokens } = await start(
    context,
    ['boss', '--role', 'admin'],
    ['team', '--role', 'lock,produce,consume,cache-read,cache-write', '--prefix', 'team-'],
    ['reader', '--role', 'cache-read'],
  )
  const [boss = '', team = '', reader = ''] = ['boss', 'team', 'reader'].map((name) => tokens.get(name))
  const acquire = { resource_id: 'team-1', client_id: 'c', ttl_ms: 1_000 }
  assert.deepEqual(await post(`${urls.lock}/acquire`, acquire), { status: 401, code: 'unauthorized' })
  assert.deepEqual(await post(`${urls.lock}/acquire`, acquire, 'lockstep_wrong'), { status: 401, code: 'unauthorized' })
  assert.deepEqual(await post(`${urls.lock}/acquire`, acquire, reader), { status: 403, code: 'forbidden' })
  assert.deepEqual(await post(`${urls.lock}/acquire`, { ...acquire, resource_id: 'x' }, team), { status: 403, code: 'forbidden' })
  assert.equal((await post(`${urls.lock}/acquire`, acquire, team)).status, 200)

  await assert.rejects(connect({ lock: urls.lock }), refusedWith('unauthorized'))
  await assert.rejects(connect({ ...urls, token: 'lockstep_wrong' }), refusedWith('unauthorized'))
  await using sync = await connect({ ...urls, token: () => Promise.resolve(team) })
  await sync.withLock('team-2', async (lock) => assert.ok(lock.isHeld()))
  await assert.rejects(sync.lock('other'), refusedWith('forbidden'))
  const queue = sync.queue<number>('team-q')
  await queue.send(7)
  const [message] = await queue.receive({ waitMs: 5_000 })
  assert.equal(message?.payload, 7)
  await message?.ack()
  await assert.rejects(sync.queue('other').send(1), refusedWith('forbidden'))
  await assert.rejects(queue.purge(), refusedWith('forbidden'))
  const cache = await sync.cache<string>({ namespace: 'team-c' })
  await cache.set('k', 'v')
  assert.equal(await cache.get('k'), 'v')
  await cache.clear()
  await assert.rejects(cache.namespace('').set('other', 'v'), refusedWith('forbidden'))
  await assert.rejects(cache.namespace('').clear(), refusedWith('forbidden'))
  await using looking = await connect({ cache: urls.cache, token: reader })
  const seen = await looking.cache<string>()
  assert.equal(await seen.get('other'), undefined)
  await assert.rejects(seen.set('other', 'v'), refusedWith('forbidden'))
  assert.throws(() => seen.setSync('other', 'v'), refusedWith('forbidden'))

  await using operator = await connect({ queue: urls.queue, token: boss })
  await operator.queue('team-q').purge()
  const audited = (node: NodeProcess, fields: string): Promise<void> => until(fields, () => node.output.includes(fields))
  await audited(nodes.queue, '"action":"purge","names":"team-q","outcome":"forbidden","caller":"team"')
  await audited(nodes.queue, '"action":"purge","queue":"team-q","outcome":"done","caller":"boss"')
  await audited(nodes.cache, '"action":"clear","namespace":"team-c","slots":32,"outcome":"done","caller":"team"')

  const env = { LOCKSTEP_TOKEN: boss }
  assert.equal((await runCli(['locks', '--url', urls.lock])).code, 1)
  assert.equal((await runCli(['locks', '--url', urls.lock], { env })).code, 0)
  assert.equal((await runCli(['locks', '--url', urls.lock, '--api-token', team])).code, 0)
  for (const node of Object.values(nodes))
    for (const token of tokens.values()) assert.ok(!node.output.includes(token), 'a secret is in the log')
})

test(
  'a token that is taken out of the file, or whose time is over, lets nobody in any more, and a new one does',
  { timeout: 240_000 },
  async (context) => {
    const { urls, file, tokens } = await start(context, ['old', '--role', 'lock'])
    const old = tokens.get('old') ?? ''
    const acquire = (name: string): object => ({ resource_id: name, client_id: 'c', ttl_ms: 60_000 })
    assert.equal((await post(`${urls.lock}/acquire`, acquire('a'), old)).status, 200)
    let current = old
    await using sync = await connect({ lock: urls.lock, token: () => current })
    await using lock = await sync.lock('held')

    const made = await runCli(['token', 'create', '--name', 'new', '--role', 'lock', '--file', file])
    current = made.stdout.trim()
    const { tokens: entries } = JSON.parse(readFileSync(file, 'utf8')) as { tokens: readonly { name: string }[] }
    writeFileSync(file, JSON.stringify({ tokens: entries.filter(({ name }) => name !== 'old') }))
    await until('the old one is not known any more', async () => (await post(`${urls.lock}/acquire`, acquire('b'), old)).status === 401)
    assert.equal((await post(`${urls.lock}/acquire`, acquire('b'), current)).status, 200)
    await sync.withLock('another', () => Promise.resolve())
    assert.ok(lock.isHeld(), 'what it held it holds, over a connection with the new token')

    const short = (await runCli(['token', 'create', '--name', 'short', '--role', 'lock', '--expires', '10s', '--file', file])).stdout.trim()
    await until('the short one is known', async () => (await post(`${urls.lock}/acquire`, acquire('b'), short)).status === 200)
    writeFileSync(file, '{"tokens": [')
    await until('the short one is over', async () => (await post(`${urls.lock}/acquire`, acquire('b'), short)).status === 401)
    assert.equal((await post(`${urls.lock}/acquire`, acquire('b'), current)).status, 200, 'a broken file changes nothing')
  },
)
