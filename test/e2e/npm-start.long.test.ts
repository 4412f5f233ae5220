import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Cli } from '#test/harness/cli.ts'
import { freeOffset } from '#test/harness/free-offset.ts'
import { until } from '#test/harness/until.ts'
import { lives, pidsOf, signalGroup } from '#test/harness/up-nodes.ts'

const root = join(import.meta.dirname, '..', '..')

async function allEnd(pids: readonly number[]): Promise<void> {
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
    const nodes = pidsOf(folder, ['lock'])
    assert.ok(nodes.every(lives))
    npm.kill('SIGTERM')
    await allEnd(nodes)
    await until('it says so', () => said.endsWith('stopping\n'))
  } finally {
    npm.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})

test('Ctrl-C while npm runs them ends all nine nodes, in order, and npm', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-npm-'))
  const args = ['start', '--', '--data', folder, '--port-offset', String(await freeOffset())]
  const npm = spawn('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  let said = ''
  npm.stdout.on('data', (bytes: Buffer) => void (said += bytes.toString()))
  const closed = once(npm, 'close')
  try {
    await until('they serve', () => /^ready; /m.test(said), 90_000)
    const nodes = pidsOf(folder)
    assert.equal(new Set(nodes).size, 9)
    assert.ok(nodes.every(lives))
    signalGroup(npm, 'SIGINT')
    await allEnd(nodes)
    await closed
    // None of them was killed, or taken for one that has died.
    assert.match(said, /^stopping$/m)
    assert.doesNotMatch(said, /ended \(|started again/)
  } finally {
    signalGroup(npm, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})

test('nodes end when the command that runs them is killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-killed-'))
  try {
    await using up = new Cli(['up', '--only', 'lock', '--data', folder, '--port-offset', String(await freeOffset())])
    await up.printed(/^ready; /m)
    const nodes = pidsOf(folder, ['lock'])
    up.signal('SIGKILL')
    await allEnd(nodes)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
