import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configurations } from './configurations.ts'
import type { Exploration } from './explore.ts'
import { assertStates, exploreWhole } from './testing.ts'

const explored = new Map<string, Exploration>()

const states: Readonly<Record<string, number>> = {
  'two writers': 918,
  'write-behind': 2808,
  'doubled messages': 4055,
  'a doubled grant': 4031,
  'a lost message': 12102,
  'a lease that lapses': 1989,
  'a late lease': 4158,
  'another home': 10172,
  'the same home again': 14314,
  'a home that moves away': 16635,
}

for (const configuration of configurations) {
  test(`explorer: ${configuration.name}: no state breaks a promise, and all of them are seen`, () => {
    explored.set(configuration.name, exploreWhole(configuration))
  })
}

test('explorer: there are as many states as there were', () => {
  assertStates(explored, states)
})

test('explorer: together they see every change of state and every kind of message', () => {
  const seen = (kind: 'edges' | 'messages'): readonly string[] =>
    [...new Set([...explored.values()].flatMap((found) => [...found[kind].keys()]))].toSorted()
  assert.deepEqual(seen('edges'), ['EI', 'EM', 'ES', 'IE', 'IM', 'IS', 'MI', 'MS', 'SI', 'SM'])
  assert.deepEqual(seen('messages'), [
    'arrive',
    'open',
    'opened',
    'reply flushed',
    'reply granted',
    'reply written',
    'request flush',
    'request read',
    'request write',
    'session-lost',
    'snoop',
    'snooped',
    'welcome',
  ])
})
