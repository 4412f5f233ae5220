import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configurations } from './configurations.ts'
import { exploreWhole } from './testing.ts'

const edges = new Set<string>()
const messages = new Set<string>()

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
    const found = exploreWhole(configuration, states[configuration.name])
    for (const edge of found.edges.keys()) edges.add(edge)
    for (const message of found.messages.keys()) messages.add(message)
  })
}

test('explorer: together they see every change of state and every kind of message', () => {
  assert.deepEqual([...edges].toSorted(), ['EI', 'EM', 'ES', 'IE', 'IM', 'IS', 'MI', 'MS', 'SI', 'SM'])
  assert.deepEqual([...messages].toSorted(), [
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
