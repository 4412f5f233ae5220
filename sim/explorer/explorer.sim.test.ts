import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configurations } from './configurations.ts'
import type { Exploration } from './explore.ts'
import { assertStates, exploreWhole, kindsOf, seenIn } from './testing.ts'

const explored = new Map<string, Exploration>()

const states: Readonly<Record<string, number>> = {
  'two writers': 918,
  'write-behind': 2808,
  'doubled messages': 4055,
  'a doubled grant': 4031,
  'a lost message': 4462,
  'a lease that lapses': 1555,
  'a late lease': 3924,
  'another home': 10214,
  'the same home again': 14780,
  'a home that moves away': 17111,
}

for (const configuration of configurations) {
  test(`explorer: ${configuration.name}: no state breaks a promise, and all of them are seen`, () => {
    explored.set(configuration.name, exploreWhole(configuration))
  })
}

test('explorer: there are as many states as there were', () => {
  assertStates(explored, states)
})

test('explorer: together they see every change of state, and every kind of message of a transaction and of a home that changes', () => {
  assert.deepEqual(seenIn(explored, 'edges'), ['EI', 'EM', 'ES', 'IE', 'IM', 'IS', 'MI', 'MS', 'SI', 'SM'])
  const seen = new Set(seenIn(explored, 'messages'))
  assert.deepEqual(
    kindsOf('transaction').filter((kind) => !seen.has(kind)),
    [],
  )
})
