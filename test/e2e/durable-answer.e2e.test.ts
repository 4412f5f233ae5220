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
const calls = 'trace=pwrite64,fdatasync'
const traceOf = (folder: string, id: string): string => join(folder, `${id}.strace`)

interface Commit {
  /** The record with the command is written. */
  readonly record: SystemCall
  /** It is on the disk. */
  readonly sync: SystemCall
}

/** How the journal makes a command durable, found in what the node asked the system for; null while that is not complete. */
function commitOf(trace: readonly SystemCall[], witness: string): Commit | null {
  const inJournal = ({ text }: SystemCall): boolean => /\/journal-[0-9a-f]{8}>/.test(text)
  const record = trace.find((call) => call.name === 'pwrite64' && inJournal(call) && call.text.includes(witness))
  const sync = trace.find((call) => {
    return (
      call.name === 'fdatasync' && inJournal(call) && / = 0\b/.test(call.text) && record !== undefined && call.startedAt >= record.endedAt
    )
  })
  return record !== undefined && sync !== undefined ? { record, sync } : null
}

const missing = spawnSync(tracer, ['-V']).error === undefined ? false : 'strace is not installed'

test('a command is answered only once it is on the disks of a majority', { skip: missing }, async (t) => {
  await using cluster = await ProcessCluster.prepare({
    args: ['--log-level', 'warn'],
    under: (id, folder) => [tracer, ...traceOptions, '-e', calls, '-o', traceOf(folder, id)],
  })
  for (const node of cluster.nodes) node.start()
  await cluster.ready()
  const leader = await cluster.settledLeader(1)
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
  for (const [id, { record, sync }] of commits) {
    t.diagnostic(`${id}: record written ${since(record.endedAt)}, fdatasync returned ${since(sync.endedAt)}`)
    assert.ok(record.startedAt >= sentAt - 0.001, 'the write is this command')
  }
  // The clock of the client counts whole milliseconds.
  const onDisk = [...commits.values()].filter(({ sync }) => Math.floor(sync.endedAt * 1_000) <= answeredAt * 1_000)
  assert.ok(onDisk.length >= 2, `only ${onDisk.length} of 3 disks had it when it was answered`)
})
