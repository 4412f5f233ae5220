import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ProcessCluster } from '#test/harness/process-cluster.ts'
import { RegisterClient } from '#test/harness/register-client.ts'
import { parseTrace, traceOptions } from '#test/harness/strace.ts'
import type { SystemCall } from '#test/harness/strace.ts'
import { until } from '#test/harness/until.ts'

const tracer = 'strace'
const calls = 'trace=openat,pwrite64,writev,pwritev,pwritev2,fdatasync,fsync,msync'
const traceOf = (folder: string, id: string): string => join(folder, `${id}.strace`)

interface Commit {
  /** The pages with the command are written. */
  readonly pages: SystemCall
  /** They are on the disk. */
  readonly sync: SystemCall
  /** The page that makes them the newest state is written through a descriptor that returns when it is on the disk. */
  readonly meta: SystemCall
}

/** How LMDB makes a transaction durable, found in what the node asked the system for; null while that is not complete. */
function commitOf(trace: readonly SystemCall[], witness: string): Commit | null {
  const opened = trace.find(({ name, text }) => name === 'openat' && text.includes('data.mdb"') && text.includes('O_DSYNC'))
  const durable = /= (\d+)</.exec(opened?.text ?? '')?.[1]
  const pages = trace.find(({ name, text }) => /writev?/.test(name) && text.includes('data.mdb') && text.includes(witness))
  const sync = trace.find(({ name, text, startedAt }) => {
    return name === 'fdatasync' && text.includes('data.mdb') && / = 0\b/.test(text) && pages !== undefined && startedAt >= pages.endedAt
  })
  const meta = trace.find(({ name, text, startedAt }) => {
    return name === 'pwrite64' && text.startsWith(`(${durable}<`) && sync !== undefined && startedAt >= sync.endedAt
  })
  return pages !== undefined && sync !== undefined && meta !== undefined ? { pages, sync, meta } : null
}

const missing = spawnSync(tracer, ['-V']).error === undefined ? false : 'strace is not installed'

test('a command is answered only once it is on the disks of a majority', { skip: missing }, async (t) => {
  await using cluster = await ProcessCluster.prepare({
    args: ['--log-level', 'warn'],
    under: (id, folder) => [tracer, ...traceOptions, '-e', calls, '-o', traceOf(folder, id)],
  })
  for (const node of cluster.nodes) node.start()
  await cluster.ready()
  const leader = await cluster.settledLeader(1, 500)
  using client = new RegisterClient()
  // The first command opens what the router needs, so that the second is the only write.
  assert.equal((await client.add(leader, 'first')).type, 'answered')

  const witness = `witness-${randomBytes(8).toString('hex')}`
  const sentAt = Date.now() / 1_000
  assert.deepEqual(await client.add(leader, witness), { type: 'answered', value: 1, done: true })
  const answeredAt = Date.now() / 1_000

  const commits = new Map<string, Commit>()
  await until('the traces show the commit on every node', () => {
    for (const { id } of cluster.nodes) {
      const commit = commitOf(parseTrace(readFileSync(traceOf(cluster.folder, id), 'latin1')), witness)
      if (commit !== null) commits.set(id, commit)
    }
    return commits.size === 3
  })
  t.diagnostic(`sent at 0 ms to ${leader.id}, answered at ${((answeredAt - sentAt) * 1_000).toFixed(1)} ms`)
  const since = (time: number): string => `${((time - sentAt) * 1_000).toFixed(1)} ms`
  for (const [id, { pages, sync, meta }] of commits) {
    t.diagnostic(
      `${id}: pages written ${since(pages.endedAt)}, fdatasync returned ${since(sync.endedAt)}, meta page (O_DSYNC) ${since(meta.endedAt)}`,
    )
    assert.ok(pages.startedAt >= sentAt - 0.001, 'the write is this command')
  }
  // The clock of the client counts whole milliseconds.
  const onDisk = [...commits.values()].filter(({ meta }) => Math.floor(meta.endedAt * 1_000) <= answeredAt * 1_000)
  assert.ok(onDisk.length >= 2, `only ${onDisk.length} of 3 disks had it when it was answered`)
})
