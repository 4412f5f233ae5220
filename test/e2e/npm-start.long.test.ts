import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Cli } from '#test/harness/cli.ts'
import { freeOffset } from '#test/harness/free-offset.ts'
import { until } from '#test/harness/until.ts'

const root = join(import.meta.dirname, '..', '..')

/** The processes of three nodes, as their stores know them. */
const nodesIn = (folder: string): readonly number[] =>
  [1, 2, 3].map((number) => {
    const lock = JSON.parse(readFileSync(join(folder, `lock-node-${number}`, 'store.lock'), 'utf8')) as { readonly pid: number }
    return lock.pid
  })

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function allEnd(pids: readonly number[]): Promise<void> {
  assert.ok(pids.every(lives))
  await until('all nodes have ended', () => !pids.some(lives), 10_000)
}

test('nodes end when npm, which runs the command that runs them, is told to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-npm-'))
  const args = ['start', '--', '--only', 'lock', '--data', folder, '--port-offset', String(await freeOffset())]
  const npm = spawn('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  npm.stdout.on('data', (bytes: Buffer) => void (said += bytes.toString()))
  try {
    await until('they serve', () => /^ready; /m.test(said), 60_000)
    const nodes = nodesIn(folder)
    npm.kill('SIGTERM')
    await allEnd(nodes)
    await until('it says so', () => said.endsWith('stopping\n'))
  } finally {
    npm.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})

test('nodes end when the command that runs them is killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-killed-'))
  try {
    await using up = new Cli(['up', '--only', 'lock', '--data', folder, '--port-offset', String(await freeOffset())])
    await up.printed(/^ready; /m)
    const nodes = nodesIn(folder)
    up.signal('SIGKILL')
    await allEnd(nodes)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
