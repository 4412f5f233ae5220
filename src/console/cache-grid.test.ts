import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { CacheStatus, LineView } from '#api/cache/status.ts'
import { cacheGrid } from './cache-grid.ts'
import { cellName } from './flashes.ts'
import { ringSlots } from './ring-slots.ts'
import type { KnownNode } from './world.ts'
import { newNode } from './world.ts'

const line = (key: string, state: LineView['state']): LineView => ({
  key,
  state,
  version: '1.1.0',
  bytes: 1,
  present: true,
  dirty: false,
  usable: true,
})
const node = (name: string, lines: readonly LineView[] | null): KnownNode => ({
  ...newNode(name),
  identity: { service: 'cache', node_id: name, version: '0.1.0' },
  cache: lines === null ? null : ({ lines } as unknown as CacheStatus),
})

test('each key has a cell for each node: what it is there, invalid where there is none, nothing where nobody answers', () => {
  const grid = cacheGrid([node('n1', [line('a', 'M'), line('b', 'S')]), node('n2', [line('b', 'S')]), node('n3', null)], new Map(), 10)
  deepEqual(
    grid.rows.map(({ key, cells }) => [key, ...cells.map(({ state }) => state)]),
    [
      ['a', 'M', 'I', null],
      ['b', 'S', 'S', null],
    ],
  )
})

test('when there are too many keys, those that were last on the bus are shown, and do not change places', () => {
  const lines = ['a', 'b', 'c', 'd'].map((key) => line(key, 'S'))
  const flashes = new Map([
    [cellName('d', 'n1'), { transaction: 'BusRd', number: 5 }],
    [cellName('b', 'n1'), { transaction: 'BusRdX', number: 6 }],
  ] as const)
  const grid = cacheGrid([node('n1', lines)], flashes, 2)
  deepEqual(
    grid.rows.map(({ key }) => key),
    ['b', 'd'],
  )
  equal(grid.left, 2)
  equal(grid.rows[0]?.cells[0]?.flash?.transaction, 'BusRdX')
})

test('slots go around the ring in their order, coloured by who leads them', () => {
  const slots = [
    { slot: 2, owner: null, term: 4, replicas: ['n2', 'n1'] },
    { slot: 1, owner: 'n2', term: 3, replicas: ['n1', 'n2'] },
  ]
  const shown = ringSlots({ version: 1, slot_count: 2, nodes: [], slots }, ['n1', 'n2'])
  deepEqual(
    shown.map(({ slot, leader, replicas }) => [slot, leader, ...replicas]),
    [
      [1, 1, 0, 1],
      [2, -1, 1, 0],
    ],
  )
  equal(shown[1]?.text, 'slot 2: no leader, term 4, replicas on n2, n1')
})
