import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { CacheCluster } from '#test/harness/cache-cluster.ts'
import { Cli, cli, program } from '#test/harness/cli.ts'
import type { CliEnding } from '#test/harness/cli.ts'

interface Scene {
  readonly cluster: CacheCluster
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly run: (...args: readonly string[]) => Promise<CliEnding>
  /** With that as its standard input. */
  readonly piped: (input: string, ...args: readonly string[]) => Promise<string>
}

/** Of a machine that does much else. */
const patience = ['--timeout', '60s']

const done = (stdout: string): CliEnding => ({ code: 0, stdout, stderr: '' })
const isVersion = /^\d+\.\d+\.\d+\n$/

const visits: readonly (readonly [claim: string, visit: (scene: Scene) => Promise<void>])[] = [
  [
    'a value is read as it was written, byte for byte; that there is none is an exit code of its own',
    async ({ run }) => {
      const value = '{"n": 1e400, "id":9007199254740993}'
      assert.match((await run('set', 'user/1', value)).stdout, isVersion)
      assert.deepEqual(await run('get', 'user/1'), done(`${value}\n`))
      const json = await run('get', 'user/1', '--json')
      assert.match(json.stdout, /^\{"key":"user\/1","value":\{"n": 1e400, "id":9007199254740993\},"found":true,.*\}\n$/)
      assert.deepEqual(await run('get', 'nobody'), { code: 6, stdout: '', stderr: '' })
      assert.equal((JSON.parse((await run('get', 'nobody', '--json')).stdout) as { readonly found: boolean }).found, false)
      assert.deepEqual(await run('del', 'user/1'), done(''))
      assert.equal((await run('get', 'user/1')).code, 6)
      assert.deepEqual(await run('del', 'user/1'), done(''))
    },
  ],
  [
    'a value comes from the command line, a file or standard input, as JSON or as a text',
    async ({ run, piped, folder }) => {
      const file = join(folder, 'page.html')
      writeFileSync(file, '<p>42</p>\n')
      assert.equal((await run('set', 'page', `@${file}`)).code, 0)
      assert.deepEqual(await run('get', 'page', '--text'), done('<p>42</p>\n'))
      await piped(' [1, 2]\n', 'set', 'list')
      assert.deepEqual(await run('get', 'list'), done('[1, 2]\n'))
      await piped('42\n', 'set', 'text', '--text')
      assert.deepEqual(await run('get', 'text'), done('"42"\n'))
      const missing = await run('set', 'page', `@${file}.gone`)
      assert.deepEqual([missing.code, missing.stderr.includes('no such file')], [2, true])
      writeFileSync(file, new Uint8Array([0xff, 0xfe, 0x00]))
      assert.match((await run('set', 'page', `@${file}`)).stderr, /it is no text in UTF-8/)
      assert.deepEqual(await run('get', 'page', '--text'), done('<p>42</p>\n'))
    },
  ],
  [
    'what is not as expected is an exit code of its own, and nothing is changed',
    async ({ run }) => {
      const version = (await run('set', 'c', '{"a":1,"b":2}', '--if-absent')).stdout.trim()
      assert.equal((await run('set', 'c', '2', '--if-absent')).code, 7)
      const newer = (await run('set', 'c', '{"a":1,"b":3}', '--if-version', version)).stdout.trim()
      const late = await run('set', 'c', '9', '--if-version', version)
      assert.equal(late.code, 7)
      assert.match(late.stderr, /^lockstep: version_mismatch: /)
      assert.equal((await run('del', 'c', '--if-version', version)).code, 7)
      assert.equal((await run('cas', 'c', '{"a":1}', '9')).code, 7)
      assert.deepEqual(await run('get', 'c'), done('{"a":1,"b":3}\n'))
      assert.match((await run('cas', 'c', '{ "b":3, "a":1 }', 'new')).stdout, isVersion)
      assert.deepEqual(await run('get', 'c', '--text'), done('new\n'))
      assert.equal((await run('cas', 'gone', 'old', 'new')).code, 7)
      assert.notEqual(newer, version)
    },
  ],
  [
    'numbers are added to, below zero too, and nothing else is',
    async ({ run }) => {
      assert.deepEqual(await run('incr', 'n'), done('1\n'))
      assert.deepEqual(await run('incr', 'n', '-11'), done('-10\n'))
      const sums = await Promise.all(Array.from({ length: 3 }, () => run('incr', 'n', '5')))
      assert.deepEqual(
        sums.map(({ stdout }) => Number(stdout)).toSorted((left, right) => left - right),
        [-5, 0, 5],
      )
      assert.equal((await run('set', 'word', 'five')).code, 0)
      const refused = await run('incr', 'word')
      assert.deepEqual([refused.code, refused.stderr.split(':')[1]], [1, ' not_a_number'])
    },
  ],
  [
    'a batch carries out each line, and prints a result for each, byte for byte',
    async ({ run, piped, folder }) => {
      const writes = Array.from({ length: 1_500 }, (_, at) => `{"type":"write","key":"b${at}","value":[${at}, 1e400]}\n`)
      assert.equal((await piped(writes.join(''), 'batch')).trim().split('\n').length, 1_500)
      assert.equal(
        await piped('{"type":"read","key":"b1499"}\n', 'batch').then((line) => line.includes('"value":[1499, 1e400],"found":true')),
        true,
      )
      const file = join(folder, 'operations')
      writeFileSync(file, '{"type":"increment","key":"b1"}\n\n{"type":"increment","key":"counter","by":3}\n')
      const mixed = await run('batch', `@${file}`)
      assert.equal(mixed.code, 1)
      assert.match(mixed.stdout, /^\{"key":"b1","error":\{"code":"not_a_number".*\n\{"key":"counter",.*"value":3.*\n$/)
      writeFileSync(file, '{"type":"increment","key":"counter"}\nnonsense\n')
      const wrong = await run('batch', `@${file}`)
      assert.deepEqual(
        [wrong.code, wrong.stderr.split('\n')[0]],
        [2, 'lockstep: line 2 is no operation, such as {"type":"read","key":"k"}'],
      )
      assert.deepEqual(await run('get', 'counter'), done('3\n'))
    },
  ],
  [
    'the lines of all nodes are a grid, and the bus tells what moves them',
    async ({ cluster, env, run }) => {
      const urls = cluster.nodes.map(({ url }) => url)
      await using following = new Cli(['cache', 'bus', '--prefix', 'grid'], { env })
      const moved = /\tBus(?:RdX|Upgr)\tgrid\t[^]*\tBusRd\tgrid\t/
      let last = ''
      // A lease may end on a busy machine, and with it a line: then it is done again.
      for (let round = 0; round < 20 && !(/^grid\tS\tS\tI\t\S+\t5\n$/.test(last) && moved.test(following.stdout)); round++) {
        assert.equal((await run('set', 'grid', '"abc"', '--url', urls[0] ?? '')).code, 0)
        assert.equal((await run('get', 'grid', '--url', urls[1] ?? '')).code, 0)
        last = (await run('lines', '--prefix', 'grid')).stdout
      }
      assert.match(last, /^grid\tS\tS\tI\t\S+\t5\n$/)
      assert.match(following.stdout, moved)
      following.signal('SIGINT')
      assert.equal((await following.ended()).code, 130)
      const one = await run('lines', '--prefix', 'b', '--limit', '1', '--node', 'cache-node-2')
      assert.deepEqual([one.code, one.stdout.split('\t').length], [0, one.stdout === '' ? 1 : 4])
      const stranger = await run('lines', '--node', 'nobody')
      assert.deepEqual([stranger.code, stranger.stderr.includes('cache-node-1, cache-node-2, cache-node-3')], [2, true])
    },
  ],
  [
    'a watch prints the value and each change, and goes on by another node when its own dies',
    async ({ cluster, env, run }) => {
      const [first] = cluster.nodes
      assert.ok(first !== undefined)
      await using watching = new Cli(['cache', 'watch', 'w', '--max', '4'], { env })
      await watching.printed(/^absent\n/)
      assert.equal((await run('set', 'w', '[1,\n2]')).code, 0)
      await watching.printed(/\n\[1, 2\]\n/)
      await first.kill('SIGKILL')
      assert.equal((await run('set', 'w', 'three')).code, 0)
      await watching.printed(/\n"three"\n/)
      assert.equal((await run('del', 'w')).code, 0)
      assert.deepEqual(await watching.ended(), done('absent\n[1, 2]\n"three"\nabsent\n'))
    },
  ],
]

test('the cache is used from the command line', async (t) => {
  await using cluster = await CacheCluster.start()
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-'))
  const env = { PATH: process.env['PATH'] ?? '', LOCKSTEP_CACHE_URL: cluster.nodes.map(({ url }) => url).join(',') }
  const scene: Scene = {
    cluster,
    folder,
    env,
    run: (...args) => cli(['cache', ...args, ...patience], { env }),
    piped: (input, ...args) => {
      const child = spawn(process.execPath, [program, 'cache', ...args, ...patience], { env, stdio: ['pipe', 'pipe', 'inherit'] })
      child.stdin.end(input)
      return text(child.stdout)
    },
  }
  try {
    for (const [claim, visit] of visits) await t.test(claim, () => visit(scene))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
