import { deepEqual, equal, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Line } from '#bench/contest/results.ts'
import type { Run } from '#bench/locks/results.ts'
import { until } from '#test/harness/until.ts'

const bench = join(import.meta.dirname, '..', '..', 'bench', 'lock.bench.ts')
const start = (args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [bench, '--vs', 'none', '--rounds', '1', '--clients', '4', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })

test('the bench of locks measures our nodes, and what it writes says so', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const child = start(['--seconds', '0.3', '--json', join(folder, 'results.json')])
  child.stdout?.resume()
  deepEqual(await once(child, 'close'), [0, null])
  const { results } = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as { results: Record<string, readonly Line<Run>[]> }
  deepEqual(Object.keys(results), ['a lock each, 4 clients', 'one hot lock, 64 clients'])
  for (const lines of Object.values(results)) {
    deepEqual(lines.map(({ row }) => row.name).slice(0, 2), ['ours, HTTP to the leader', 'ours, HTTP to all three'])
    for (const { summary } of lines) ok(summary.pairsPerSecond.min > 0)
  }
})

/** Those that run now. */
function childrenOf(parent: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')
        return Number(fields?.[1]) === parent ? [Number(name)] : []
      } catch {
        // It has just ended.
        return []
      }
    })
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    // There is no such process.
    return false
  }
}

test('a bench that is interrupted leaves no process behind', async () => {
  const child = start(['--seconds', '60'])
  let said = ''
  child.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()))
  await until('the bench measures', () => said.includes('ours × 3'), 30_000)
  const children = childrenOf(child.pid as number)
  ok(children.length >= 5, 'three nodes, and a load generator for each row')
  child.kill('SIGTERM')
  const [code] = (await once(child, 'close')) as [number | null]
  equal(code, 1)
  await until('its processes are gone', () => !children.some(isAlive), 5_000)
})
