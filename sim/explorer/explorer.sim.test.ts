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
  'a lost message': 4462,
  'a lease that lapses': 1555,
  'a late lease': 3225,
  'another home': 10214,
  'the same home again': 14780,
  'a home that moves away': 17111,
  'two loaders': 442,
  'a loader and a writer': 5992,
  'a life that ends': 7537,
  'room for one line': 2546,
  'a full directory': 8789,
  'a home that has enough to do': 5200,
  'leases that are renewed': 20870,
  'an agent that leaves': 2378,
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
    'leave',
    'open',
    'opened',
    'renew',
    'renewed',
    'reply flushed',
    'reply granted',
    'reply load',
    'reply overloaded',
    'reply written',
    'request fill',
    'request flush',
    'request read',
    'request write',
    'session-lost',
    'snoop',
    'snooped',
    'welcome',
  ])
})
