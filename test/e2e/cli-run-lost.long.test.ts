import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Cli } from '#test/harness/cli.ts'
import { LockCluster } from '#test/harness/lock-cluster.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { until } from '#test/harness/until.ts'

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    // No such process.
    return false
  }
}

test('a command loses its lock only when it must, and ends with it', async (t) => {
  await using cluster = await LockCluster.start()
  const urls = cluster.nodes.map(({ url }) => url).join(',')
  const [node] = cluster.nodes as [NodeProcess]
  const env = { LOCKSTEP_LOCK_URL: urls }

  await t.test('the lock is kept for longer than its lease, and through the death of a node', async () => {
    await using holder = new Cli(['run', '--lock', 'e', '--ttl', '8s', '--url', urls, '--', 'sh', '-c', 'echo up; sleep 10; echo done'])
    await holder.printed(/up/)
    await node.kill('SIGKILL')
    assert.deepEqual(await holder.ended(), { code: 0, stdout: 'up\ndone\n', stderr: '' })
    node.start()
    await cluster.ready()
  })

  await t.test('when the lock is lost, the command and what it has begun are ended, however deaf they are', async () => {
    const deaf = 'trap "" TERM; sh -c \'trap "" TERM; echo "pid $$"; while :; do sleep 0.1; done\' & wait'
    await using holder = new Cli(['run', '--lock', 'f', '--ttl', '4s', '--grace', '500ms', '--', 'sh', '-c', deaf], { env })
    await holder.printed(/pid \d+/)
    const pid = Number(/pid (\d+)/.exec(holder.stdout)?.[1])
    assert.equal((await cluster.post(node, '/force-release', { resource_id: 'f' })).status, 200)
    const ending = await holder.ended()
    assert.equal(ending.code, 79)
    assert.match(
      ending.stderr,
      /^lockstep: the lock "f" is lost: "f" was taken away: by an operator, or by a release that names its client\n$/,
    )
    await until('the process that it began is gone', () => !isAlive(pid))
  })

  await t.test('a command that has ended under its lock has not lost it, also when nobody can be told', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lockstep-run-'))
    t.after(() => rm(folder, { recursive: true }))
    const sign = join(folder, 'end')
    const command = ['sh', '-c', 'echo up; until [ -e "$0" ]; do sleep 0.1; done', sign]
    await using holder = new Cli(['run', '--lock', 'h', '--timeout', '1s', '--', ...command], { env })
    await holder.printed(/up/)
    for (const each of cluster.running) each.signal('SIGSTOP')
    await writeFile(sign, '')
    const ending = await holder.ended()
    for (const each of cluster.running) each.signal('SIGCONT')
    assert.equal(ending.code, 0)
    assert.match(ending.stderr, /^lockstep: the lock could not be released, and ends within \d+ ms: .*\n$/)
  })

  await t.test('when no node answers any more, the command is ended before the lease can be over', async () => {
    await using holder = new Cli(
      ['run', '--lock', 'g', '--ttl', '8s', '--', 'sh', '-c', 'trap "echo told; exit" TERM; echo up; while :; do sleep 0.1; done'],
      { env },
    )
    await holder.printed(/up/)
    const stoppedAt = performance.now()
    for (const each of cluster.running) each.signal('SIGSTOP')
    await holder.printed(/told/)
    const tookMs = performance.now() - stoppedAt
    for (const each of cluster.running) each.signal('SIGCONT')
    const ending = await holder.ended()
    assert.equal(ending.code, 79)
    assert.match(ending.stderr, /is lost: the lease could not be renewed in time/)
    assert.ok(tookMs < 8_000, `${tookMs} ms`)
  })
})
