import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { LockCluster } from '#test/harness/lock-cluster.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')

const program = `
  import { connect } from 'lockstep'
  const sync = await connect({ lock: process.argv.slice(2) })
  const lock = await sync.lock('packed')
  console.log(JSON.stringify({ held: lock.isHeld(), token: lock.fencingToken }))
  await lock.release()
  await sync.close()
`

const tested = `
  import { connect } from 'lockstep'
  import { startDev } from 'lockstep/dev'
  const dev = await startDev({ services: ['lock'] })
  const sync = await connect(dev.urls)
  const lock = await sync.lock('packed')
  console.log(lock.fencingToken)
  await sync.close()
  await dev.stop()
`

const typed = `
  import { connect } from 'lockstep'
  import type { Lock } from 'lockstep'
  import { startDev } from 'lockstep/dev'
  export async function underTest(): Promise<void> {
    await using dev = await startDev({ nodes: 3, store: 'folder' })
    await using sync = await connect(dev.urls)
    // @ts-expect-error there are one or three
    await startDev({ nodes: 2 })
  }
  export async function work(): Promise<number> {
    await using sync = await connect({ lock: ['http://127.0.0.1:8001'] })
    const lock: Lock = await sync.lock('x', { waitMs: 5 })
    // @ts-expect-error there is no such option
    await sync.lock('x', { wait: 5 })
    return lock.fencingToken
  }
`
const settings = { target: 'es2022', module: 'nodenext', strict: true, noEmit: true, skipLibCheck: false, types: [] }

test('the package installs in an empty folder: its library, its types and its commands work without the sources', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-package-'))
  const app = join(folder, 'app')
  // As anybody has it: without what the run of these tests tells npm.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_')))
  const at = { cwd: app, env }
  try {
    const { stdout: tarball } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root, env })
    mkdirSync(app)
    writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', type: 'module', private: true }))
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, tarball.trim())], at)

    await using cluster = await LockCluster.start()
    const urls = cluster.nodes.map(({ url }) => url)
    writeFileSync(join(app, 'use.mjs'), program)
    const { stdout: used } = await run(process.execPath, ['use.mjs', ...urls], at)
    const seen = JSON.parse(used) as { readonly held: boolean; readonly token: number }
    assert.equal(seen.held, true)

    const command = ['run', '--lock', 'packed', '--url', urls.join(','), '--', 'sh', '-c', 'echo "$LOCKSTEP_FENCING_TOKEN"']
    const { stdout: printed } = await run('npx', ['--no-install', 'lockstep', ...command], at)
    assert.ok(Number(printed) > seen.token)

    writeFileSync(join(app, 'test.mjs'), tested)
    assert.equal((await run(process.execPath, ['test.mjs'], at)).stdout, '1\n')

    writeFileSync(join(app, 'typed.ts'), typed)
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions: settings, files: ['typed.ts'] }))
    await run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', app], at)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
