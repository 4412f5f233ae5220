import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { areaPath, linePath, niceTop } from './curve.ts'
import { amount, bytes, duration, percent, rate } from './format.ts'
import { arcPath } from './ring-arcs.ts'
import { waitGraph } from './wait-graph.ts'

const frame = { width: 100, height: 10, from: 0, to: 10, top: 5 } as const

test('a curve goes through its points, the newest at the right', () => {
  const points = [
    { at: 0, value: 0 },
    { at: 5, value: 5 },
    { at: 10, value: 2.5 },
  ]
  equal(linePath(points, frame), 'M0 10L50 0L100 5')
  equal(areaPath(points, frame), 'M0 10L50 0L100 5L100 10L0 10Z')
  deepEqual([linePath([], frame), areaPath([], frame)], ['', ''])
})

test('a scale ends at a round number that nothing exceeds', () => {
  deepEqual([0, 0.4, 1, 1.1, 3, 7, 10, 11, 99, 201].map(niceTop), [1, 1, 1, 2, 5, 10, 10, 20, 100, 500])
})

test('the pieces of a ring are all there, begin at the top and do not touch', () => {
  const circle = { centre: 100, inner: 50, outer: 90 }
  const paths = Array.from({ length: 32 }, (_, index) => arcPath(index, 32, circle))
  equal(new Set(paths).size, 32)
  match(paths[0] ?? '', /^M100\.94 10A90 90 0 0 1 /)
  ok(!paths.some((path) => path.includes('NaN')))
  match(arcPath(0, 1, circle), /A90 90 0 1 1 /)
})

const edge = (client: string, other: string, resource = 'r') =>
  ({ client_id: client, waits_for: other, resource_id: resource, behind: 'holder' }) as const

test('who waits stands left of whom it waits for, however long the way', () => {
  const graph = waitGraph([edge('c', 'b'), edge('b', 'a'), edge('c', 'a'), edge('d', 'a'), edge('c', 'b', 's')])
  deepEqual(
    graph.clients.map(({ client, column }) => [client, column]),
    [
      ['a', 2],
      ['b', 1],
      ['c', 0],
      ['d', 1],
    ],
  )
  deepEqual([graph.columns, graph.rows, graph.left, graph.waits.length], [3, 2, 0, 4])
  deepEqual(graph.waits.find(({ from, to }) => from.client === 'c' && to.client === 'b')?.resources, ['r', 's'])
  for (const { from, to } of graph.waits) ok(from.column < to.column)
})

test('a cycle is drawn too, with a wait that goes back', () => {
  const graph = waitGraph([edge('a', 'b'), edge('b', 'a')])
  equal(graph.columns, 2)
  equal(graph.waits.filter(({ from, to }) => from.column >= to.column).length, 1)
  deepEqual(waitGraph([edge('a', 'a')]).columns, 1)
  deepEqual(waitGraph([]), { clients: [], waits: [], columns: 0, rows: 0, left: 0 })
})

test('a graph with more clients than can be seen says how many waits it leaves out', () => {
  const many = waitGraph(Array.from({ length: 100 }, (_, index) => edge(`waiter-${index}`, 'holder')))
  deepEqual([many.clients.length, many.left], [24, 77])
})

test('numbers and times are short', () => {
  deepEqual([999, 1_000, 12_345, 999_949, 1_500_000].map(amount), ['999', '1 k', '12.3 k', '999.9 k', '1.5 M'])
  deepEqual([-5, 0, 900, 59_000, 60_000, 7_200_000, 172_800_000].map(duration), ['0 s', '0 s', '1 s', '59 s', '1 min', '2 h', '2 d'])
  deepEqual([rate(0), rate(2.84), rate(1_234)], ['0', '2.8', '1.2 k'])
  deepEqual([percent(0.391), bytes(5), bytes(2_048), bytes(3_145_728)], ['39.1 %', '5 B', '2 KiB', '3 MiB'])
})
