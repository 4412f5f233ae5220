import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readText, repositoryFiles } from './repository.ts'

/** docs/raft.md, docs/locks.md, docs/lock-machine.md, docs/queue-machine.md and docs/redis-engine.md list the decisions, pitfalls and defects; each has at least one test that bears its number. */
const numbered = {
  decision: [
    ...Array.from({ length: 9 }, (_, at) => `decision R${at + 1}`),
    ...Array.from({ length: 11 }, (_, at) => `decision L${at + 1}`),
    ...Array.from({ length: 11 }, (_, at) => `decision Q${at + 1}`),
    ...Array.from({ length: 13 }, (_, at) => `decision C${at + 1}`),
  ],
  pitfall: Array.from({ length: 44 }, (_, at) => `pitfall ${at + 1}`),
  defect: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18].map((number) => `defect ${number}`),
}

const testNames = (): string[] =>
  repositoryFiles()
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) =>
      [...readText(file).matchAll(/\btest\(\s*[`'"]((?:decision|pitfall|defect) [^`'"]*)/g)].map((match) => match[1] ?? ''),
    )

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

/** What a document quotes of the names of tests. */
const quotedIn = (document: string): string[] =>
  [...document.matchAll(/`((?:decision|pitfall|defect) \w+: [^`…]+)`/g)].map((match) => match[1] ?? '')

test('the tests that the documents name are there', () => {
  const names = testNames()
  const quoted = repositoryFiles()
    .filter((file) => file.startsWith('docs/') && file.endsWith('.md') && !file.endsWith('mutants.md'))
    .flatMap((file) => quotedIn(readText(file)))
  assert.ok(quoted.length > 50)
  assert.deepEqual(
    quoted.filter((quote) => !names.some((name) => name.startsWith(quote))),
    [],
  )
})

test('a missing name is noticed', () => {
  assert.equal(isNamed('pitfall 4', ['pitfall 43: a restarted follower']), false)
  assert.equal(isNamed('pitfall 4', ['pitfall 4: no entry at the start of a term']), true)
})
