import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { cli } from '#test/harness/cli.ts'

type Settings = Readonly<Record<string, { readonly value: unknown; readonly origin: string } | undefined>>

const folder = mkdtempSync(join(tmpdir(), 'lockstep-config-'))
const file = join(folder, 'node.json')
const password = 'tr0ub4dor'

test.after(() => rmSync(folder, { recursive: true }))

test('config shows what is effective and where it was said: flags, then variables, then the file, then defaults', async () => {
  writeFileSync(file, JSON.stringify({ id: 'of-the-file', 'log-level': 'warn', heartbeat: 70, election: '400-900' }))
  const env = { PORT: '8001', PEERS: 'b:8002,c:8003', LOCKSTEP_HEARTBEAT: '60', LOCKSTEP_LOG_LEVEL: 'error', LOCKSTEP_SECRET: password }
  const { code, stdout, stderr } = await cli(['config', '--config', file, '--log-level', 'debug', '--advertise', 'a:8001', '--json'], {
    env,
  })
  deepEqual([code, stderr], [0, ''])
  const settings = JSON.parse(stdout) as Settings
  const expected: Settings = {
    'log-level': { value: 'debug', origin: '--log-level' },
    heartbeat: { value: 60, origin: 'LOCKSTEP_HEARTBEAT' },
    election: { value: '400-900', origin: `${file}: election` },
    id: { value: 'of-the-file', origin: `${file}: id` },
    listen: { value: '127.0.0.1:8001', origin: 'PORT' },
    service: { value: 'lock', origin: 'default' },
    // These follow from others.
    join: { value: ['a:8001', 'b:8002', 'c:8003'], origin: 'PEERS' },
    slots: { value: 1, origin: 'default' },
    data: { value: join('.lockstep', 'of-the-file'), origin: 'default' },
    engine: { value: 'embedded', origin: 'default' },
  }
  for (const [name, setting] of Object.entries(expected)) deepEqual(settings[name], setting, name)
})

test('config tells of what is secret only that it is set', async () => {
  const env = { LOCKSTEP_SECRET: password, LOCKSTEP_REDIS_URL: `redis://:${password}@127.0.0.1:6379`, LOCKSTEP_ENGINE: 'redis' }
  const args = ['config', '--service', 'queue', '--listen', '127.0.0.1:9001', '--id', 'a']
  const shown = await cli([...args, '--json'], { env })
  equal(shown.code, 0, shown.stderr)
  const settings = JSON.parse(shown.stdout) as Settings
  deepEqual(settings['secret'], { value: '(set)', origin: 'LOCKSTEP_SECRET' })
  deepEqual(settings['redis-url'], { value: '(set)', origin: 'LOCKSTEP_REDIS_URL' })
  deepEqual(settings['tokens'], { value: null, origin: 'default' })

  const table = await cli(args, { env })
  match(table.stdout, /^secret\t\(set\)\tLOCKSTEP_SECRET$/m)
  match(table.stdout, /^tokens\t-\tdefault$/m)
  for (const { stdout, stderr } of [shown, table]) doesNotMatch(stdout + stderr, new RegExp(password))
})

test('config tells all that is wrong at once, without what is secret, and ends with 2', async () => {
  writeFileSync(file, JSON.stringify({ colour: 'red' }))
  const args = ['config', '--config', file, '--listen', 'nowhere', '--heartbeat', 'often', '--id', 'no name']
  const { code, stdout, stderr } = await cli(args, { env: { LOCKSTEP_SECRET: password, LOCKSTEP_SLOTS: '7' } })
  deepEqual([code, stdout], [2, ''])
  for (const mistake of ['colour is no setting', '--listen', '--heartbeat', '--id', '--slots']) match(stderr, new RegExp(mistake))
  doesNotMatch(stderr, new RegExp(password))

  const env = { LOCKSTEP_ENGINE: 'redis', LOCKSTEP_REDIS_URL: `http://:${password}@127.0.0.1:6379` }
  const redis = await cli(['config', '--service', 'queue', '--listen', '127.0.0.1:9001', '--id', 'a'], { env })
  equal(redis.code, 2)
  match(redis.stderr, /a Redis URL begins with/)
  doesNotMatch(redis.stderr, new RegExp(password))
})
