import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { join } from 'node:path'
import { stages } from './stages.ts'
import { testFiles } from './test-files.ts'

const stagesFor = (path: string): readonly string[] =>
  stages.flatMap((stage) => (stage.type === 'files' && stage.wants(path) ? [stage.name] : []))

test('the suffix of a test file says which stage runs it', () => {
  deepEqual(stagesFor('src/base/deque.test.ts'), ['unit'])
  deepEqual(stagesFor('sim/cluster.sim.test.ts'), ['sim'])
  deepEqual(stagesFor('test/e2e/crash.e2e.test.ts'), ['e2e'])
  deepEqual(stagesFor('test/e2e/redis.long.test.ts'), ['long'])
})

test('every test file of the repository is run by exactly one stage', () => {
  const files = testFiles(join(import.meta.dirname, '..', '..'))
  equal(files.includes(import.meta.filename), true)
  for (const path of files) equal(stagesFor(path).length, 1, path)
})
