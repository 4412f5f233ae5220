import { deepEqual, equal } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stages } from './stages.ts'
import { testFiles } from './test-files.ts'

const root = join(import.meta.dirname, '..', '..')

const stagesFor = (path: string): readonly string[] =>
  stages.flatMap((stage) => (stage.type === 'files' && stage.wants(path) ? [stage.name] : []))

test('the suffix of a test file says which stage runs it', () => {
  deepEqual(stagesFor('src/base/deque.test.ts'), ['unit'])
  deepEqual(stagesFor('sim/cluster.sim.test.ts'), ['sim'])
  deepEqual(stagesFor('test/e2e/crash.e2e.test.ts'), ['e2e'])
  deepEqual(stagesFor('test/e2e/redis.long.test.ts'), ['long'])
})

test('every test file of the repository is run by exactly one stage', () => {
  const files = testFiles(root)
  equal(files.includes(import.meta.filename), true)
  for (const path of files) equal(stagesFor(path).length, 1, path)
})

test('docs/testing.md tells of the suffix of each stage, and of none that no file has', () => {
  const rows = readFileSync(join(root, 'docs', 'testing.md'), 'utf8').matchAll(/^\| `(\.\S+\.ts)` \| (\w+) \|/gm)
  const told = [...rows].map(([, suffix = '', stage = '']) => ({ suffix, stage }))
  deepEqual(
    told.map(({ stage }) => stage),
    stages.filter(({ type }) => type === 'files').map(({ name }) => name),
  )
  const files = testFiles(root)
  for (const { suffix, stage } of told) {
    deepEqual(stagesFor(`src/a${suffix}`), [stage])
    equal(
      files.some((path) => path.endsWith(suffix)),
      true,
      suffix,
    )
  }
})
