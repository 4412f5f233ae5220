import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { ClusterStatus } from '#cli/service/cluster-status.ts'
import { Cli, cli } from '#test/harness/cli.ts'
import { freeOffset } from '#test/harness/free-offset.ts'
import { until } from '#test/harness/until.ts'
import { lives, pidOf, pidsOf, starvedMs, urlsOf, variablesOf } from '#test/harness/up-nodes.ts'

/** Four times processes start, the first time nine of them. */
const timeout = 110_000

test('nine nodes on one command', { timeout }, async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'lockstep-up-'))
  const folder = join(parent, 'data')
  const offset = await freeOffset()
  const urls = urlsOf('lock', offset)
  const args = ['up', '--data', folder, '--port-offset', String(offset)]
  const status = async (): Promise<ClusterStatus> =>
    JSON.parse((await cli(['status', '--json', '--url', urls.join()])).stdout) as ClusterStatus
  try {
    const startedAt = performance.now()
    await using up = new Cli(args)
    await t.test('it says within ten seconds where they are, when they serve, and the start is quiet', async (each) => {
      // Nine processes share two processors with other tests: when others have these, that is not the fault of the nodes.
      await up.printed(/^ready; /m, 50_000)
      const [tookMs, waitedMs] = [performance.now() - startedAt, starvedMs(pidsOf(folder))]
      each.diagnostic(
        `ready after ${(tookMs / 1_000).toFixed(1)} s, of which a node waited ${(waitedMs / 1_000).toFixed(1)} s for a processor`,
      )
      if (process.platform === 'linux') assert.ok(tookMs - waitedMs < 10_000)
      for (const [at, url] of urls.entries())
        assert.match(up.stdout, new RegExp(`^lock-node-${at + 1}\t${url}\t\\w+\t.*lock-node-${at + 1}$`, 'm'))
      assert.doesNotMatch(up.stdout, /peer-refused|\b404\b/)
      assert.equal(up.stderr, '')
      for (const number of [1, 2, 3])
        for (const [service, port] of [
          ['queue', 9_000],
          ['cache', 7_000],
        ] as const)
          assert.match(up.stdout, new RegExp(`^${service}-node-${number}\thttp://127.0.0.1:${port + number + offset}\t`, 'm'))
      const { nodes, leader } = await status()
      assert.ok(leader !== null && nodes.every(({ problem }) => problem === null))
      await stored({ args, folder, offset })
    })

    await t.test('a second one on the same folder is refused, and harms nothing, even with --fresh', async () => {
      const second = await cli([...args, '--fresh'])
      assert.equal(second.code, 4)
      assert.match(second.stderr, /is in use: process \d+ has/)
      assert.match((await cli(['locks', '--url', urls.join()])).stdout, /^x\t/)
    })

    await t.test('one on the same ports is told which process has them', async () => {
      const second = await cli(['up', '--data', join(parent, 'other'), '--port-offset', String(offset)])
      assert.equal(second.code, 5)
      const held = process.platform === 'linux' ? `process ${pidOf(folder, 'lock-node-2')} has it` : 'is taken'
      assert.ok(second.stderr.includes(held), second.stderr)
    })

    await t.test('a node that dies is reported and started again', async () => {
      process.kill(pidOf(folder, 'lock-node-3'), 'SIGKILL')
      await up.printed(/^lock-node-3 {3}ended \(SIGKILL\), and is started again in 2 s$/m)
      await until('it is back', async () => (await status()).nodes.every(({ problem }) => problem === null), 20_000)
    })

    await stoppedAndStarted(t, up, { args, folder, offset })
    await startedFresh(t, { args, folder, offset })
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
})

interface Place {
  readonly args: readonly string[]
  readonly folder: string
  readonly offset: number
}

/** Something of each service, to be found again. */
async function stored({ offset }: Place): Promise<void> {
  const env = variablesOf(offset)
  assert.equal((await cli(['acquire', 'x', '--ttl', '0'], { env })).code, 0)
  assert.equal((await cli(['produce', 'letters', '"kept"'], { env })).code, 0)
  assert.equal((await cli(['cache', 'set', 'key', '"kept too"'], { env })).code, 0)
}

async function stoppedAndStarted(t: TestContext, up: Cli, { args, folder, offset }: Place): Promise<void> {
  const env = variablesOf(offset)
  await t.test('Ctrl-C stops them all, and what was stored is there the next time', async () => {
    const pids = pidsOf(folder)
    assert.deepEqual([new Set(pids).size, pids.every(lives)], [9, true])
    up.signal('SIGINT')
    const { code, stdout } = await up.ended()
    assert.equal(code, 0)
    assert.match(stdout, /stopping\n/)
    assert.deepEqual(pids.filter(lives), [], 'they have ended')
    const other = await cli(['up', '--data', folder, '--port-offset', String(await freeOffset())])
    assert.equal(other.code, 4)
    assert.match(other.stderr, /use the same --port-offset/)
    await using again = new Cli(args)
    await again.printed(/^ready; /m, 50_000)
    assert.match((await cli(['locks'], { env })).stdout, /^x\t/)
    assert.equal((await cli(['consume', 'letters', '--wait', '10s'], { env })).stdout, '"kept"\n')
    assert.equal((await cli(['cache', 'get', 'key'], { env })).stdout, '"kept too"\n')
    again.signal('SIGTERM')
    assert.equal((await again.ended()).code, 0)
  })
}

async function startedFresh(t: TestContext, { args, folder, offset }: Place): Promise<void> {
  const env = variablesOf(offset)
  await t.test('--fresh begins with nothing, and --no-restart leaves a dead node dead', async () => {
    await using fresh = new Cli([...args, '--only', 'lock', '--fresh', '--no-restart'])
    await fresh.printed(/^ready; /m)
    assert.equal((await cli(['locks'], { env })).stdout, '')
    process.kill(pidOf(folder, 'lock-node-1'), 'SIGKILL')
    await fresh.printed(/^lock-node-1 {3}ended \(SIGKILL\), and is not started again$/m)
    fresh.signal('SIGINT')
    assert.equal((await fresh.ended()).code, 0)
  })
}

test('a port that something else has is named before any node is started', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-up-'))
  const offset = await freeOffset()
  const taker = createServer()
  await new Promise<void>((resolve) => void taker.listen(8002 + offset, '127.0.0.1', resolve))
  const { code, stderr } = await cli(['up', '--data', folder, '--port-offset', String(offset)])
  assert.equal(code, 5)
  assert.match(stderr, new RegExp(`^lockstep: 127\\.0\\.0\\.1:${8002 + offset}, for lock-node-2, is taken: process ${process.pid} has it`))
  await new Promise((resolve) => taker.close(resolve))
  rmSync(folder, { recursive: true })
})
