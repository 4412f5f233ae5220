import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LineEvent } from './transitions.ts'
import { edgeName, edges, lineEvents as events, lineStates as states, transitions } from './transitions.ts'

/** As a text-book has it: what each event makes of M, E, S and I; `-` cannot happen. */
const expected: Readonly<Record<LineEvent, string>> = {
  read: 'MESI',
  write: 'MESI',
  'write-owner': 'MMSI',
  'grant-shared': '---S',
  'grant-exclusive': '---E',
  'grant-modified': 'MMMM',
  'written-at-home': 'IIII',
  'downgrade-same': 'SSS-',
  'downgrade-other': 'IIII',
  invalidate: 'IIII',
  evict: 'III-',
  lapse: 'III-',
}

test('every state does with every event what MESI says', () => {
  assert.deepEqual(events.toSorted(), Object.keys(expected).toSorted())
  for (const event of events) assert.equal(states.map((state) => transitions[state][event]?.next ?? '-').join(''), expected[event], event)
})

test('who has a copy reads it, who owns it writes it, and everybody else asks the home', () => {
  const actions = (event: LineEvent): readonly unknown[] => states.map((state) => transitions[state][event]?.action)
  assert.deepEqual(actions('read'), ['hit', 'hit', 'hit', 'BusRd'])
  assert.deepEqual(actions('write'), ['Flush', 'Flush', 'BusUpgr', 'BusRdX'])
  assert.deepEqual(actions('write-owner'), ['hit', 'hit', 'BusUpgr', 'BusRdX'])
  assert.deepEqual(actions('invalidate'), ['drop', 'drop', 'drop', 'none'])
})

test('a line may lose what it has, get what it has not, and give up no more than a right: those are all changes of state', () => {
  assert.deepEqual(edges.map(edgeName).toSorted(), ['EI', 'EM', 'ES', 'IE', 'IM', 'IS', 'MI', 'MS', 'SI', 'SM'])
})
