import { deepEqual, equal, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Line } from '#bench/contest/results.ts'
import type { Measured } from '#bench/queues/drive.ts'

const bench = join(import.meta.dirname, '..', '..', 'bench', 'queue.bench.ts')

test('the bench of queues measures our nodes, loses nothing, and what it writes says so', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const short = ['--vs', 'none', '--rounds', '1', '--seconds', '0.2', '--workloads', 'produce,both-batches']
  const child = spawn(process.execPath, [bench, ...short, '--json', join(folder, 'results.json')], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (bytes: Buffer) => void (said += bytes.toString()))
  deepEqual(await once(child, 'close'), [0, null], said)
  const { results } = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as {
    results: Record<string, readonly Line<Measured>[]>
  }
  deepEqual(Object.keys(results), ['produce, 256 in flight', 'both at once, batches of 100, 4 in flight'])
  for (const lines of Object.values(results)) {
    deepEqual(
      lines.map(({ row }) => row.name),
      ['ours, HTTP to one node', 'ours, library'],
    )
    for (const { summary } of lines) {
      ok(summary.messages.min > 0, 'whatever was sent was consumed')
      equal(summary.duplicates.max, 0)
    }
  }
})
