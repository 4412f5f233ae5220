import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { QueueDetail } from '#api/queues/queues.ts'
import { cli, program } from '#test/harness/cli.ts'
import type { CliEnding } from '#test/harness/cli.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'

type Run = (...args: readonly string[]) => Promise<CliEnding>

type Visit = (run: Run, env: Readonly<Record<string, string>>) => Promise<void>

const done = (stdout: string): CliEnding => ({ code: 0, stdout, stderr: '' })

async function piped(env: Readonly<Record<string, string>>, input: string, ...args: readonly string[]): Promise<CliEnding> {
  const child = spawn(process.execPath, [program, 'produce', ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(input)
  const ending = once(child, 'close') as Promise<[code: number]>
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ending])
  return { code, stdout, stderr }
}

const visits: readonly (readonly [claim: string, visit: Visit])[] = [
  [
    'a message is sent and consumed once; nothing to consume is an exit code of its own',
    async (run) => {
      const sent = await run('produce', 'orders', '{"id": 1}')
      assert.match(sent.stdout, /^[0-9a-f-]{36}\n$/)
      assert.equal((await run('produce', 'orders', 'hello world', '--key', 'k')).code, 0)
      const [first] = (JSON.parse((await run('queue', 'peek', 'orders', '--json')).stdout) as { messages: { message_id: string }[] })
        .messages
      assert.equal(first?.message_id, sent.stdout.trim())
      assert.deepEqual(await run('consume', 'orders', '--max', '2'), done('{"id": 1}\n"hello world"\n'))
      assert.deepEqual(await run('consume', 'orders', '--wait', '100ms'), { code: 75, stdout: '', stderr: '' })
      const none = await run('consume', 'nobody')
      assert.deepEqual([none.code, none.stderr.split(':')[1]], [1, ' unknown_queue'])
    },
  ],
  [
    'each line of standard input is a message; what is kept is acked by its receipt',
    async (run, env) => {
      const child = spawn(process.execPath, [program, 'produce', 'numbers'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
      child.stdin.end(Array.from({ length: 1_200 }, (_, at) => `${at}\n`).join(''))
      assert.equal((await text(child.stdout)).trim().split('\n').length, 1_200)
      const kept = await run('consume', 'numbers', '--keep', '--json', '--visibility', '10m')
      const { message, receipt } = JSON.parse(kept.stdout) as { message: number; receipt: string }
      assert.equal(message, 0)
      assert.deepEqual(await run('ack', receipt), done(''))
      assert.equal((await run('ack', receipt)).code, 1)
      const rest = await run('consume', 'numbers', '--max', '1000')
      assert.deepEqual(
        rest.stdout.trim().split('\n').map(Number),
        Array.from({ length: 1_000 }, (_, at) => at + 1),
      )
      assert.deepEqual(await run('queue', 'purge', 'numbers'), done('199\n'))
    },
  ],
  [
    'lines go to all partitions, or with a key to that of the key; those that are refused are named, and nothing behind them is sent',
    async (run, env) => {
      assert.deepEqual(await run('queue', 'create', 'spread', '--partitions', '3'), done(''))
      const lines = (from: number, count: number): string => Array.from({ length: count }, (_, at) => `${from + at}\n`).join('')
      const sent = await piped(env, lines(0, 1_600), 'spread')
      assert.deepEqual([sent.code, sent.stdout.trim().split('\n').length], [0, 1_600])
      assert.equal((await piped(env, lines(1_600, 3), 'spread', '--key', 'k')).code, 0)
      const { partition_list: parts } = JSON.parse((await run('queue', 'show', 'spread', '--json')).stdout) as QueueDetail
      assert.deepEqual(
        parts.map(({ ready }) => Math.floor(ready / 500)),
        [1, 1, 1],
      )
      assert.deepEqual(await run('queue', 'purge', 'spread'), done('1603\n'))

      assert.deepEqual(await run('queue', 'create', 'small', '--max-length', '2'), done(''))
      const refused = await piped(env, lines(0, 4), 'small')
      assert.deepEqual([refused.code, refused.stdout.trim().split('\n').length], [75, 2])
      assert.match(refused.stderr, /line 3: queue_full.*\n.*line 4: queue_full.*\n.*of the first 4 lines all but 2 are in the queue/)
      const large = `${'x'.repeat(100_000)}\n`.repeat(100)
      assert.equal((await piped(env, large, 'large')).code, 0, 'requests hold what a request may')
    },
  ],
  [
    'when one of several workers fails the commands of the others end, and then the work does',
    async (run, env) => {
      assert.deepEqual(await run('queue', 'create', 'sides'), done(''))
      assert.equal((await run('produce', 'sides', '1')).code, 0)
      const script = 'trap "echo ended; exit 1" TERM; echo begun; sleep 60 & wait'
      const args = ['work', '--queue', 'sides', '--concurrency', '2', '--wait', '1m', '--', 'sh', '-c', script]
      const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
      const ending = once(child, 'close')
      let told = ''
      for await (const chunk of child.stdout) {
        told += String(chunk)
        if (told === 'begun\n') assert.deepEqual(await run('queue', 'delete', 'sides'), done(''))
      }
      assert.equal(told, 'begun\nended\n')
      assert.equal((await ending)[0], 1)
    },
  ],
  [
    'a queue is made, set, paused, listed, looked at and deleted',
    async (run) => {
      assert.deepEqual(await run('queue', 'create', 'jobs', '--partitions', '3', '--max-failures', '1'), done(''))
      const again = await run('queue', 'create', 'jobs')
      assert.match(again.stderr, /stale_revision/)
      assert.deepEqual(await run('queue', 'set', 'jobs', '--visibility', '2m', '--retry-delay', '0'), done(''))
      assert.deepEqual(await run('queue', 'pause', 'jobs'), done(''))
      const { settings, partitions } = JSON.parse((await run('queue', 'show', 'jobs', '--json')).stdout) as QueueDetail
      assert.deepEqual([partitions, settings.max_failures, settings.visibility_ms, settings.paused], [3, 1, 120_000, true])
      assert.equal((await run('queues', '--prefix', 'jo')).stdout.split('\t')[0], 'jobs (paused)')
      assert.deepEqual(await run('queue', 'resume', 'jobs'), done(''))
      assert.deepEqual(await run('queue', 'delete', 'jobs'), done(''))
      assert.equal((await run('queue', 'show', 'jobs')).code, 1)
      assert.equal((await run('queue', 'set', 'jobs', '--max-failures', '2')).code, 1)
    },
  ],
  [
    'a command is run for each message: what it ends well is acked, what it does not comes again, and is dead in the end',
    async (run) => {
      assert.deepEqual(await run('queue', 'create', 'work', '--max-failures', '2', '--retry-delay', '0', '--visibility', '1s'), done(''))
      for (const message of ['1', '2', '3']) assert.equal((await run('produce', 'work', message)).code, 0)
      // The first takes longer than its lease, which is kept.
      const script = 'read -r m; echo "$LOCKSTEP_QUEUE $m $LOCKSTEP_DELIVERY_COUNT"; test "$m" != 1 || sleep 6; test "$m" != 2'
      const worked = await run('work', '--queue', 'work', '--visibility', '4s', '--wait', '500ms', '--', 'sh', '-c', script)
      assert.equal(worked.code, 0)
      assert.deepEqual(worked.stdout.trim().split('\n').toSorted(), ['work 1 1', 'work 2 1', 'work 2 2', 'work 3 1'])
      assert.match(worked.stderr, /comes again: sh ended with 1/)
      assert.equal((await run('queue', 'peek', 'work', '--state', 'dead')).stdout.split('\t')[4], '2\n')
      assert.deepEqual(await run('queue', 'redrive', 'work'), done('1\n'))
      assert.equal((await run('work', '--queue', 'work', '--max', '1', '--', 'no-such-command')).code, 127)
      assert.deepEqual(await run('consume', 'work'), done('2\n'))
    },
  ],
]

test('queues are used from the command line', async (t) => {
  await using cluster = await QueueCluster.start()
  const env = { PATH: process.env['PATH'] ?? '', LOCKSTEP_QUEUE_URL: cluster.nodes.map(({ url }) => url).join(',') }
  const run: Run = (...args) => cli(args, { env })
  for (const [claim, visit] of visits) await t.test(claim, () => visit(run, env))
})
