import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readText, repositoryFiles } from './repository.ts'

/** docs/raft.md and docs/locks.md list the decisions and pitfalls; each has at least one test that bears its number. */
const numbered = {
  decision: [
    ...Array.from({ length: 9 }, (_, at) => `decision R${at + 1}`),
    ...Array.from({ length: 11 }, (_, at) => `decision L${at + 1}`),
  ],
  pitfall: Array.from({ length: 44 }, (_, at) => `pitfall ${at + 1}`),
}

const testNames = (): string[] =>
  repositoryFiles()
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) => [...readText(file).matchAll(/\btest\(\s*[`'"]((?:decision|pitfall) [^`'"]*)/g)].map((match) => match[1] ?? ''))

const isNamed = (label: string, names: readonly string[]): boolean => names.some((name) => new RegExp(`\\b${label}\\b`).test(name))

for (const [kind, labels] of Object.entries(numbered)) {
  test(`every ${kind} that is listed has a test of its name`, () => {
    const names = testNames()
    assert.deepEqual(
      labels.filter((label) => !isNamed(label, names)),
      [],
    )
  })
}

test('a missing name is noticed', () => {
  assert.equal(isNamed('pitfall 4', ['pitfall 43: a restarted follower']), false)
  assert.equal(isNamed('pitfall 4', ['pitfall 4: no entry at the start of a term']), true)
})
