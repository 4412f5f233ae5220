import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { freePorts } from '#test/harness/free-ports.ts'
import { until } from '#test/harness/until.ts'
import { copyOf, dockerStages, listOf } from './dockerfile.ts'
import type { BuildStage } from './dockerfile.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const stages = dockerStages()
const [build, image] = [stages.find(({ name }) => name === 'build'), stages.at(-1)] as [BuildStage, BuildStage]

/** What belongs to the program and is no Node.js: more than this is no small image. */
const bytesMax = 50_000_000

const environment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_'))),
  // The Node.js of the image is the one that runs this.
  PATH: `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}`,
}

/** Carries out the build stage, but for tests, in a folder. */
async function buildIn(folder: string): Promise<void> {
  for (const { word, rest } of build.instructions) {
    if (word === 'RUN') await run('sh', ['-c', rest], { cwd: folder, env: environment, maxBuffer: 2 ** 26 })
    if (word !== 'COPY') continue
    const { sources, target } = copyOf(rest)
    for (const source of sources) {
      const to = target === './' ? join(folder, basename(source)) : join(folder, target, source.endsWith('.ts') ? basename(source) : '')
      mkdirSync(join(to, '..'), { recursive: true })
      cpSync(join(root, source), to, { recursive: true, filter: (path) => !path.endsWith('.test.ts') })
    }
  }
}

/** Puts what the image has at `/app` into a folder. */
function copyInto(app: string, built: string): void {
  for (const { word, rest } of image.instructions) {
    const { stage, sources, target } = copyOf(rest)
    if (word !== 'COPY' || stage !== 'build') continue
    for (const source of sources) {
      const from = join(built, source.replace(/^\/build\//, ''))
      cpSync(from, join(app, target === './' ? basename(source) : target), { recursive: true, verbatimSymlinks: true })
    }
  }
}

function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

test(
  'the commands of the Dockerfile build what its last stage runs: a node that tells its health, without sources',
  { timeout: 280_000 },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-image-'))
    const [built, app, data] = ['build', 'app', 'data'].map((name) => join(folder, name)) as [string, string, string]
    const [port = 0] = await freePorts(1)
    const env = {
      PATH: environment.PATH,
      NODE_ENV: 'production',
      LISTEN: '127.0.0.1',
      PORT: String(port),
      LOCKSTEP_DATA: data,
      PEERS: `127.0.0.1:${port}`,
    }
    const inImage = (words: readonly string[]): string[] => words.map((word) => word.replace(/^\/app\//, `${app}/`))
    const abort = new AbortController()
    try {
      for (const path of [built, app, data]) mkdirSync(path)
      await buildIn(built)
      copyInto(app, built)
      assert.deepEqual(readdirSync(app).toSorted(), ['bin', 'dist', 'node_modules', 'package.json'])
      const bytes = bytesOf(app)
      t.diagnostic(`the program takes ${(bytes / 1e6).toFixed(1)} MB, Node.js ${(statSync(process.execPath).size / 1e6).toFixed(1)} MB`)
      assert.ok(bytes < bytesMax)

      const [, ...entry] = inImage(listOf(image, 'ENTRYPOINT'))
      const [, ...check] = listOf(image, 'HEALTHCHECK')
      const node = run(process.execPath, [...entry, ...listOf(image, 'CMD')], { cwd: app, env, signal: abort.signal })
      node.catch(() => {})
      const health = (): Promise<{ readonly stdout: string }> => run(process.execPath, [...entry, ...check], { cwd: app, env })
      await assert.rejects(run(process.execPath, [...entry, ...check], { cwd: app, env: { ...env, PORT: '1' } }), { code: 69 })
      await until('it is healthy', async () => (await health()).stdout === 'ready\n', 60_000)
      node.child.kill('SIGTERM')
      await node
      assert.equal(node.child.exitCode, 0, 'it stops when Docker tells it to')
    } finally {
      abort.abort()
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
