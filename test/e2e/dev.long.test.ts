import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isFree } from '#cli/ports/port-holder.ts'
import { startDev } from '#dev.ts'
import { connect } from '#index.ts'
import { Cli, cli } from '#test/harness/cli.ts'
import { freePorts } from '#test/harness/free-ports.ts'

/** Node.js has one of its own there. */
const foldersIn = (parent: string): readonly string[] => readdirSync(parent).filter((name) => name.startsWith('lockstep-'))
const portOf = (url: string): number => Number(new URL(url).port)

test('one call gives a test all services, and the next one begins with nothing', async () => {
  for (const round of [1, 2]) {
    const dev = await startDev()
    const sync = await connect(dev.urls)
    const lock = await sync.lock('a', { waitMs: 5_000 })
    assert.equal(lock.fencingToken, 1, `round ${round}: the first grant there is`)
    await lock.release()
    const queue = sync.queue<number>('q')
    await queue.send(round)
    const messages = await queue.receive({ max: 10, waitMs: 5_000 })
    assert.deepEqual(
      messages.map(({ payload }) => payload),
      [round],
    )
    const cache = await sync.cache<number>()
    assert.equal(await cache.get('k'), undefined)
    await cache.set('k', round)
    assert.equal(cache.getSync('k'), round)
    await sync.close()
    await dev.stop()
    for (const { url } of dev.nodes) assert.ok(await isFree(portOf(url)), `${url} is free again`)
  }
})

test('three nodes of one service, with a store on disk, are a cluster', async () => {
  await using dev = await startDev({ services: ['lock'], nodes: 3, store: 'folder' })
  const { lock: urls = [] } = dev.urls
  assert.deepEqual([urls.length, dev.urls.queue, dev.urls.cache], [3, undefined, undefined])
  const [first = '', second = ''] = urls
  await using one = await connect({ lock: first })
  await using other = await connect({ lock: second })
  await using lock = await one.lock('a')
  assert.equal(await other.lock('a', { ifAvailable: true }), null)
  assert.deepEqual((await other.inspect('a')).holders.length, 1)
  await lock.release()
})

test('a port that is taken is told, and nothing is left running', async () => {
  const port = (await freePorts(50)).find((each, at, all) => each === (all[at - 1] ?? 0) + 1) ?? 0
  const taker = createServer()
  await new Promise<void>((resolve) => void taker.listen(port, '127.0.0.1', resolve))
  try {
    await assert.rejects(startDev({ port: port - 1 }), new RegExp(`queue-node-1 cannot listen on 127\\.0\\.0\\.1:${port} \\(EADDRINUSE\\)`))
    assert.ok(await isFree(port - 1))
    const { code, stderr } = await cli(['dev', '--only', 'lock', '--port', String(port)])
    assert.equal(code, 5)
    assert.match(stderr, /^lockstep: lock-node-1 cannot listen on .*--port 0 takes free ones\n$/)
  } finally {
    await new Promise((resolve) => taker.close(resolve))
  }
})

test('the command says where they are, and leaves nothing', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'lockstep-dev-test-'))
  try {
    await using dev = new Cli(['dev', '--port', '0', '--json', '--store', 'folder', '--only', 'lock'], { env: { TMPDIR: parent } })
    await dev.printed(/\n/, 50_000)
    const { nodes } = JSON.parse(dev.stdout) as { readonly nodes: readonly { readonly id: string; readonly url: string }[] }
    assert.deepEqual(
      nodes.map(({ id }) => id),
      ['lock-node-1'],
    )
    assert.equal(foldersIn(parent).length, 1)
    assert.equal((await cli(['acquire', 'x', '--url', nodes[0]?.url ?? ''])).stdout, '1\n')
    dev.signal('SIGINT')
    assert.equal((await dev.ended()).code, 0)
    assert.deepEqual(foldersIn(parent), [])
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
})

test('a command runs beside them, finds them, and its exit code is that of all', { skip: process.platform === 'win32' }, async () => {
  const script = 'printf "%s %s" "$LOCKSTEP_LOCK_URL" "$LOCKSTEP_CACHE_URL"; exit 7'
  const { code, stdout } = await cli(['dev', '--port', '0', '--only', 'lock', '--', 'sh', '-c', script])
  assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+ $/)
  assert.equal(code, 7)
  assert.ok(await isFree(portOf(stdout.trim())))
})
