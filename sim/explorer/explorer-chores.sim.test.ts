import assert from 'node:assert/strict'
import { test } from 'node:test'
import { choreConfigurations } from './configurations.ts'
import type { Exploration } from './explore.ts'
import { assertStates, exploreWhole, kindsOf, seenIn } from './testing.ts'

const explored = new Map<string, Exploration>()

const states: Readonly<Record<string, number>> = {
  'two loaders': 442,
  'a loader and a writer': 5992,
  'a life that ends': 7537,
  'room for one line': 2546,
  'a full directory': 8789,
  'a home that has enough to do': 5200,
  'leases that are renewed': 20870,
  'a late renewal': 13958,
  'a late renewal of a sharer': 18755,
  'an agent that leaves': 2378,
}

for (const configuration of choreConfigurations) {
  test(`explorer: ${configuration.name}: no state breaks a promise, and all of them are seen`, () => {
    explored.set(configuration.name, exploreWhole(configuration))
  })
}

test('explorer: with chores there are as many states as there were', () => {
  assertStates(explored, states)
})

test('explorer: with chores they see every kind of message that transactions do without', () => {
  const seen = new Set(seenIn(explored, 'messages'))
  assert.deepEqual(
    kindsOf('chore').filter((kind) => !seen.has(kind)),
    [],
  )
})
