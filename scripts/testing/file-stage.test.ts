import { deepEqual, equal, match } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { runFiles } from './file-stage.ts'

type Outcome = Awaited<ReturnType<typeof runFiles>>

interface Run {
  readonly outcome: Outcome
  readonly output: string
}

/** In a process of its own, which does not know that it runs in a test: node:test would refuse to run files there. */
function runFixture(files: Readonly<Record<string, string>>, filter: RegExp | null = null): Run {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-runner-'))
  const paths = Object.keys(files).map((name) => join(folder, name))
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, name), `import { describe, test } from 'node:test'\n${text}\n`)
  writeFileSync(
    join(folder, 'runner.ts'),
    `import { runFiles } from ${JSON.stringify(join(import.meta.dirname, 'file-stage.ts'))}
    const stage = { type: 'files', name: 'fixture', wants: () => true, testTimeoutMs: 1000, fileTimeoutMs: 6000, concurrency: 4 }
    const outcome = await runFiles(${JSON.stringify(paths)}, { root: ${JSON.stringify(folder)}, filter: ${filter}, stage })
    console.log(JSON.stringify(outcome))`,
  )
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const run = spawnSync(process.execPath, [join(folder, 'runner.ts')], { encoding: 'utf8', env })
  rmSync(folder, { recursive: true })
  const lines = run.stdout.trimEnd().split('\n')
  return { outcome: JSON.parse(lines.pop() ?? '') as Outcome, output: lines.join('\n') }
}

test('passed, failed and skipped tests are counted, subtests too, and a parent does not fail again for its child', () => {
  const { outcome, output } = runFixture({
    'a.test.ts': `
      test('good', () => {})
      test('off', { skip: 'no disk' }, () => {})
      test('parent', async (t) => { await t.test('child', () => { console.log('a hint'); throw new Error('broken') }) })`,
  })
  deepEqual(outcome.totals, { passed: 1, failed: 1, skipped: 1 })
  deepEqual(outcome.skips, [{ file: 'a.test.ts', name: 'off', reason: 'no disk' }])
  match(output, /^FAILED a\.test\.ts › parent › child \(a\.test\.ts:\d+\)\n {2}Error: broken/)
  match(output, /output of a\.test\.ts:\n {2}a hint/)
})

test('a test that is skipped says why, and so does a suite, which counts as one', () => {
  const { outcome, output } = runFixture({
    'a.test.ts': `
      describe('suite', () => { test('late', (t) => t.skip('no strace')); test('some day', { todo: true }, () => {}) })
      describe('off', { skip: 'no redis' }, () => { test('one', () => {}); test('two', () => {}) })
      test('bare', { skip: true }, () => {})`,
  })
  deepEqual(outcome.totals, { passed: 0, failed: 0, skipped: 4 })
  deepEqual(
    outcome.skips.map(({ name, reason }) => [name, reason]),
    [
      ['suite › late', 'no strace'],
      ['suite › some day', 'to do'],
      ['off', 'no redis'],
      ['bare', 'no reason is given'],
    ],
  )
  equal(output, '')
})

test('what tests say of themselves is shown, each on a line of its own, whether they pass or fail', () => {
  const { output } = runFixture({
    'a.test.ts': `
      test('passes', (t) => { t.diagnostic('seed 7'); t.diagnostic('two\\nlines'); console.log('not asked for') })
      test('says nothing', () => {})`,
  })
  equal(output, 'a.test.ts › passes\n  seed 7\n  two lines')
  const failing = runFixture({
    'b.test.ts': `
      test('parent', async (t) => {
        t.diagnostic('of the parent')
        await t.test('child', (t) => { t.diagnostic('seed 8'); t.diagnostic('x'.repeat(1000)); throw new Error('broken') })
      })`,
  })
  const told = failing.output.slice(failing.output.indexOf('\nb.test.ts'))
  equal(told, `\nb.test.ts › parent › child\n  seed 8\n  ${'x'.repeat(240)}…\nb.test.ts › parent\n  of the parent`)
  match(failing.output, /^FAILED b\.test\.ts › parent › child/)
})

test('a file that cannot be loaded, and one without tests, are failures', () => {
  const { outcome, output } = runFixture({ 'broken.test.ts': "import './absent.ts'", 'empty.test.ts': '' })
  deepEqual(outcome.totals, { passed: 0, failed: 2, skipped: 0 })
  match(output, /Cannot find module .*absent\.ts/)
  match(output, /FAILED empty\.test\.ts › the file has no tests/)
})

test('a test that never settles, a busy loop and a handle left open end as failures', () => {
  const { outcome, output } = runFixture({
    'busy.test.ts': "test('busy', () => { for (;;); })",
    'handle.test.ts': "test('handle', () => { setInterval(() => {}, 1000) })",
    'hangs.test.ts': "test('hangs', () => new Promise((resolve) => { setTimeout(resolve, 2000) }))",
  })
  deepEqual(outcome.totals, { passed: 1, failed: 3, skipped: 0 })
  match(output, /FAILED busy\.test\.ts › .*\n {2}did not end in time and was killed/)
  match(output, /FAILED handle\.test\.ts › .*\n {2}did not end in time and was killed/)
  match(output, /FAILED hangs\.test\.ts › hangs .*\n {2}'test timed out after 1000ms'/)
})

test('a filter runs the tests whose name matches; a file without one does not fail', () => {
  const { outcome, output } = runFixture(
    { 'a.test.ts': "test('one', () => {})\ntest('two', () => { throw new Error('not asked for') })", 'b.test.ts': "test('two', () => {})" },
    /one/,
  )
  deepEqual(outcome.totals, { passed: 1, failed: 0, skipped: 0 })
  equal(output, '')
})
