import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { nineNodes } from '#cli/up/nine-nodes.ts'
import { isFree } from '#cli/ports/port-holder.ts'
import { Cli, cli } from '#test/harness/cli.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const offsetMax = 20_000

/** One that moves all nine ports to free ones. */
async function freeOffset(): Promise<number> {
  for (;;) {
    const offset = 2_000 + Math.floor(Math.random() * offsetMax)
    const free = await Promise.all(portsAt(offset).map((port) => isFree(port)))
    if (free.every(Boolean)) return offset
  }
}
const portsAt = (offset: number): readonly number[] => nineNodes('', offset).map(({ address }) => Number(address.split(':')[1]))

const urlsAt = (offset: number, service: string): string =>
  nineNodes('', offset)
    .filter((node) => node.service === service)
    .map(({ address }) => `http://${address}`)
    .join(',')
const environmentAt = (offset: number): Readonly<Record<string, string>> => ({
  LOCKSTEP_LOCK_URL: urlsAt(offset, 'lock'),
  LOCKSTEP_QUEUE_URL: urlsAt(offset, 'queue'),
  LOCKSTEP_CACHE_URL: urlsAt(offset, 'cache'),
})

test('the demo shows all five parts on nodes of its own, with the leader killed, and leaves nothing', async () => {
  const offset = await freeOffset()
  const { code, stdout, stderr } = await cli(['demo', '--auto', '--port-offset', String(offset)])
  assert.equal(code, 0, stdout + stderr)
  for (const part of ['1  Locks', '2  Queue', '3  Cache', '4  Faults', '5  Load']) assert.match(stdout, new RegExp(`^${part}: `, 'm'))
  // What each part is about was seen, and not passed over.
  assert.match(stdout, /✓ it is refused at once, with the cycle/)
  assert.match(stdout, /✓ the same message comes again, as its second delivery/)
  for (const states of ['M I I', 'S S I', 'I M I', 'S S S']) assert.match(stdout, new RegExp(`✓ the three nodes say ${states}`))
  assert.match(stdout, /✓ process \d+ is dead \(after/)
  assert.match(stdout, /✓ lock-node-\d: client_A holds it, token \d+ as before/)
  assert.match(stdout, /✓ cache-node-3 refuses to read rather than lie/)
  assert.match(stdout, /✓ lock pairs: \d+, and no answer was wrong/)
  assert.doesNotMatch(stdout, /✗|skipped/)
  const [, passed] = /^(\d+) checks passed, 0 failed$/m.exec(stdout) ?? []
  assert.ok(Number(passed) > 60, `${passed} checks`)
  for (const port of portsAt(offset)) assert.ok(await isFree(port), `${port} is free again`)
})

test('nodes that run are used, and broken only when that was said; a bench measures them', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-demo-'))
  const offset = await freeOffset()
  const env = environmentAt(offset)
  try {
    await using up = new Cli(['up', '--data', folder, '--port-offset', String(offset), '--log-level', 'error'])
    await up.printed(/^ready; /m, 90_000)

    await t.test('the script passes flags on', async () => {
      const given = { env: { ...process.env, ...env }, cwd: '/' }
      const { stdout } = await run(join(root, 'demo_script.sh'), ['--auto', '--part', '1'], given)
      assert.match(stdout, /^using nodes that run: /)
      assert.match(stdout, /^\d+ checks passed, 0 failed$/m)
    })

    await t.test('without --faults nothing is broken', async () => {
      const { code, stdout } = await cli(['demo', '--auto', '--part', '4'], { env })
      assert.deepEqual([code, /^0 checks passed, 0 failed$/m.test(stdout)], [0, true], stdout)
      assert.match(stdout, /^skipped nothing is broken in a cluster that others may use/m)
      assert.doesNotMatch(up.stdout, /ended/)
    })

    await t.test('with it their processes are found', { skip: process.platform === 'win32' }, async () => {
      const { code, stdout } = await cli(['demo', '--auto', '--part', '4', '--faults'], { env })
      assert.equal(code, 0, stdout)
      assert.match(stdout, /✓ nobody else can have it/)
      assert.match(stdout, /✓ it does not take a write either/)
      assert.match(up.stdout, /^lock-node-\d +ended \(SIGKILL\), and is started again/m)
    })

    await t.test('a bench does every kind of work and finds nothing wrong', async () => {
      const { code, stdout, stderr } = await cli(['bench', '--seconds', '1', '--json'], { env })
      assert.equal(code, 0, stdout + stderr)
      const { works } = JSON.parse(stdout) as { readonly works: readonly { readonly name: string; readonly operations: number }[] }
      const names = ['lock pairs', 'messages sent', 'messages received', 'cache reads', 'cache writes']
      assert.deepEqual(
        works.map(({ name }) => name),
        names,
      )
      for (const { name, operations } of works) assert.ok(operations > 0, name)
      const one = await cli(['bench', 'lock', '--seconds', '1'], { env })
      assert.match(one.stdout, /^lock pairs\t\d+\t\d+\t.*\t0\t0\n$/)
    })

    up.signal('SIGINT')
    assert.equal((await up.ended()).code, 0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('an interrupt ends the demo and its nodes', async () => {
  const offset = await freeOffset()
  await using demo = new Cli(['demo', '--auto', '--port-offset', String(offset)])
  await demo.printed(/✓ the three nodes say M I I/, 120_000)
  demo.signal('SIGINT')
  assert.equal((await demo.ended()).code, 130)
  for (const port of portsAt(offset)) assert.ok(await isFree(port), `${port} is free again`)
})

test('a bench without nodes says so', async () => {
  const offset = await freeOffset()
  const { code, stderr } = await cli(['bench', 'cache', '--seconds', '1'], { env: environmentAt(offset) })
  assert.equal(code, 69)
  assert.match(stderr, /no node of what is to be measured answers/)
})
