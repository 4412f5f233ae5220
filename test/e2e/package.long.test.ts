import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { ClusterStatus } from '#cli/service/cluster-status.ts'
import { gatherFiles } from '#http/console/files.ts'
import { freeOffset } from '#test/harness/free-offset.ts'
import { LockCluster } from '#test/harness/lock-cluster.ts'
import { until } from '#test/harness/until.ts'
import { lives, pidsOf, signalGroup, urlsOf, variablesOf } from '#test/harness/up-nodes.ts'

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

/** As anybody has it: without what the run of these tests tells npm. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_')))

interface Place {
  /** Of the application that has the package. */
  readonly app: string
  readonly files: readonly string[]
}

/** Packs, and installs what was packed in an empty application. */
async function installed(folder: string): Promise<Place> {
  const app = join(folder, 'app')
  // All but the last line may be what building has to say.
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root, env })
  const tarball = join(folder, stdout.trim().split('\n').at(-1) ?? '')
  mkdirSync(app)
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', type: 'module', private: true }))
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], { cwd: app, env })
  await run('tar', ['-xzf', tarball, '-C', folder])
  const files = globSync('**/*', { cwd: join(folder, 'package'), withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(join(folder, 'package'), join(entry.parentPath, entry.name)))
  return { app, files }
}

async function usedAsLibrary({ app }: Place): Promise<void> {
  const at = { cwd: app, env }
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
}

/** Its page, and all that the page names. */
async function consoleAt(url: string): Promise<number> {
  const page = await fetch(`${url}/console`)
  assert.equal(page.status, 200)
  const named = [...(await page.text()).matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path = '']) => path)
  for (const path of named) {
    const file = await fetch(new URL(path, `${url}/console`))
    assert.equal(file.status, 200, path)
    assert.ok((await file.text()).length > 0, path)
  }
  return named.length
}

async function runsNineNodes({ app }: Place): Promise<void> {
  const offset = await freeOffset()
  const folder = join(app, 'data')
  const args = ['--no-install', 'lockstep', 'up', '--data', folder, '--port-offset', String(offset)]
  const up = spawn('npx', args, { cwd: app, env, stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  let said = ''
  up.stdout.on('data', (bytes: Buffer) => void (said += bytes.toString()))
  try {
    await until('nine nodes serve', () => /^ready; /m.test(said), 120_000)
    const pids = pidsOf(folder)
    const { stdout } = await run('npx', ['--no-install', 'lockstep', 'status', '--json'], {
      cwd: app,
      env: { ...env, ...variablesOf(offset) },
    })
    const { clusters } = JSON.parse(stdout) as { readonly clusters: readonly ClusterStatus[] }
    assert.deepEqual(
      clusters.map(({ service, leader, nodes }) => [service, leader !== null, nodes.map(({ problem }) => problem)]),
      ['lock', 'queue', 'cache'].map((service) => [service, true, [null, null, null]]),
    )
    for (const service of ['lock', 'queue', 'cache'] as const) {
      for (const url of urlsOf(service, offset)) assert.ok((await consoleAt(url)) > 20)
    }
    signalGroup(up, 'SIGINT')
    await until('all nodes have ended', () => !pids.some(lives), 20_000)
  } finally {
    signalGroup(up, 'SIGKILL')
  }
}

test('the package', { timeout: 280_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-package-'))
  try {
    const place = await installed(folder)
    await t.test('has what runs, its types and what explains it, and neither sources nor tests', () => {
      const { files } = place
      const others = files.filter((path) => !path.startsWith(`dist${sep}`)).toSorted()
      assert.deepEqual(others, ['CHANGELOG.md', 'LICENSE', 'README.md', join('bin', 'lockstep.js'), 'package.json'])
      const page = [...gatherFiles(join(root, 'src')).files.keys()].map((name) => join('dist', 'console', name))
      assert.ok(page.length > 20)
      assert.deepEqual(files.filter((path) => path.startsWith(join('dist', 'console', sep))).toSorted(), page.toSorted())
      for (const name of ['index', 'dev', 'main']) assert.ok(files.includes(join('dist', `${name}.js`)), name)
      for (const name of ['index', 'dev']) assert.ok(files.includes(join('dist', `${name}.d.ts`)), name)
      assert.deepEqual(
        files.filter((path) => (/\.[cm]?tsx?$/.test(path) && !path.endsWith('.d.ts')) || /\.test\.|\.map$|testkit/.test(path)),
        [],
      )
    })

    await t.test('installs in an empty folder: its library, its types and its commands work without the sources', () =>
      usedAsLibrary(place),
    )

    await t.test('runs nine nodes with their console', () => runsNineNodes(place))

    await t.test('could be published: npm has nothing to say about it', async () => {
      const args = ['publish', '--dry-run', '--ignore-scripts', '--tag', 'next', '--loglevel', 'warn']
      const { stderr } = await run('npm', args, { cwd: join(folder, 'package'), env })
      const warnings = stderr.split('\n').filter((line) => /^npm (?:warn|error)/i.test(line))
      // Nobody is logged in here, and what users have set is theirs.
      const others = warnings.filter((line) => !/requires you to be logged in|Unknown user config/.test(line))
      assert.deepEqual(others, [])
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
