import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Measured } from '#bench/caches/drive.ts'
import type { Line } from '#bench/contest/results.ts'

const bench = join(import.meta.dirname, '..', '..', 'bench', 'cache.bench.ts')

test('the bench of caches measures our nodes beside others, finds no stale read of ours, and what it writes says so', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const short = ['--vs', 'lru-cache', '--rounds', '1', '--seconds', '0.2', '--workloads', 'here,hit,stale,stale-apart', '--pairs', '200']
  const child = spawn(process.execPath, [bench, ...short, '--json', join(folder, 'results.json')], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  deepEqual(await once(child, 'close'), [0, null])
  const { results } = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as {
    results: Record<string, readonly Line<Measured>[]>
  }
  const [here, hit, stale, apart] = Object.values(results)
  const namesOf = (lines: readonly Line<Measured>[] | undefined) => lines?.map(({ row }) => row.name)
  deepEqual([here, hit, stale, apart].map(namesOf), [
    ['ours, library', 'lru-cache', 'a Map'],
    ['ours, library', 'ours, HTTP'],
    ['ours, library', 'ours, HTTP'],
    ['ours, library', 'ours, HTTP'],
  ])
  for (const { row, summary } of [...(here ?? []), ...(hit ?? []), ...(stale ?? []), ...(apart ?? [])])
    ok(summary.perSecond.min > 0, row.name)
  for (const { summary } of [...(stale ?? []), ...(apart ?? [])]) {
    ok(summary.probes.min >= 200)
    equal(summary.stale.max, 0)
  }
  match(said, /goal for ours, library: 0.50 × lru-cache: /)
  match(said, /goal for ours, library: no stale read in 100000 pairs: 0 in \d+, too few pairs/)
})
