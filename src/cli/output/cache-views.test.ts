import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { BusEvent } from '#api/cache/events.ts'
import type { LineView } from '#api/cache/status.ts'
import { isTold } from '#cli/cache/bus.ts'
import { busLine, linesGrid } from './cache-views.ts'

const terminal = { isTerminal: true, paint: (_style: unknown, text: string) => text }
const pipe = { ...terminal, isTerminal: false }

const line: LineView = { key: 'k', state: 'S', version: '3.1.0', bytes: 5, present: true, dirty: false, usable: true }
const nodes = [
  { name: 'n1', problem: null, lines: [line, { ...line, key: 'old', state: 'E', version: '2.1.0', usable: false }] as const },
  {
    name: 'n2',
    problem: null,
    lines: [line, { ...line, key: 'mine', state: 'M', dirty: true }, { ...line, key: 'none', present: false, bytes: 0 }] as const,
  },
  { name: 'n3', problem: 'connection refused', lines: [] },
] as const

test('lines are a grid of keys and nodes, where one that does not answer is no I', () => {
  equal(
    linesGrid(['k', 'mine', 'none', 'old'], nodes, pipe),
    ['k\tS\tS\t?\t3.1.0\t5', 'mine\tI\tM*\t?\t3.1.0\t5', 'none\tI\tS-\t?\t3.1.0\t0', 'old\tE!\tI\t?\t-\t-', ''].join('\n'),
  )
  equal(linesGrid(['k'], nodes, terminal), 'KEY  n1  n2  n3  VERSION  BYTES\nk    S   S   ?   3.1.0    5\n')
})

const event: BusEvent = {
  type: 'bus',
  at: '2026-01-31T12:00:00.125Z',
  transaction: 'Answer',
  key: 'k\u009b',
  slot: 7,
  from: 'n1',
  to: 'n2',
  grants: 'S',
  seen: 'sent',
}

test('a transaction is a line, and its key gives no orders to a terminal', () => {
  equal(busLine(event, pipe), '2026-01-31T12:00:00.125Z\tAnswer\tk\\x9b\t7\tn1\tn2\tS\n')
  equal(busLine(event, terminal), '12:00:00.125  Answer      n1 → n2  k\\x9b S\n')
  equal(busLine({ ...event, transaction: 'BusRd', grants: null }, terminal), '12:00:00.125  BusRd       n1 → n2  k\\x9b\n')
})

test('a transaction that two nodes tell of is told once, by who sent it', () => {
  const asked = new Set(['n1', 'n2'])
  equal(isTold(event, asked), true)
  equal(isTold({ ...event, seen: 'received' }, asked), false)
  equal(isTold({ ...event, seen: 'received', from: 'elsewhere' }, asked), true)
})
