import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Authority, noOpenssl } from '#test/harness/certificates.ts'
import { Cli, cli } from '#test/harness/cli.ts'
import { freeOffset } from '#test/harness/free-offset.ts'

test('up has its nodes ask for tokens over TLS, and bench and demo show one', { skip: noOpenssl, timeout: 480_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  using ca = new Authority()
  const tokens = join(folder, 'tokens.json')
  const token = (await cli(['token', 'create', '--name', 'boss', '--role', 'admin', '--file', tokens])).stdout.trim()
  const { cert, key } = ca.issueNode()
  const offset = await freeOffset()
  const certified = ['--tls-cert', cert, '--tls-key', key, '--tls-ca', ca.cert]
  const flags = ['--data', join(folder, 'data'), '--port-offset', String(offset), '--tokens', tokens, ...certified]
  await using up = new Cli(['up', ...flags])
  await up.printed(/^ready; the console: https:/m, 240_000)
  const urls = (first: number): string => [0, 1, 2].map((at) => `https://127.0.0.1:${first + at + offset}`).join()
  const where = { LOCKSTEP_LOCK_URL: urls(8_001), LOCKSTEP_QUEUE_URL: urls(9_001), LOCKSTEP_CACHE_URL: urls(7_001) }
  const env = { ...where, LOCKSTEP_TOKEN: token, LOCKSTEP_CA: ca.cert }

  assert.match((await cli(['locks'], { env: { ...where, LOCKSTEP_CA: ca.cert } })).stderr, /unauthorized: /)
  const bench = await cli(['bench', '--seconds', '1', '--clients', '4'], { env })
  assert.equal(bench.code, 0, bench.stdout + bench.stderr)
  for (const work of ['lock pairs', 'messages received', 'cache reads']) assert.ok(bench.stdout.includes(work), bench.stdout)
  const demo = await cli(['demo', '--auto', '--part', '1'], { env })
  assert.equal(demo.code, 0, demo.stdout + demo.stderr)
  assert.match(demo.stdout, /curl --cacert '.*' -H "authorization: Bearer \$LOCKSTEP_TOKEN" https:/)
  assert.ok(!(bench.stdout + demo.stdout + up.stdout).includes(token), 'no secret is shown')
  up.signal('SIGINT')
  assert.equal((await up.ended()).code, 0)
})
