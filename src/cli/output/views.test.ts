import { deepEqual, doesNotMatch, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import type { LockDetail } from '#api/locks/views.ts'
import type { ClusterStatus, NodeStatus } from '#cli/service/cluster-status.ts'
import { lockDetailText, locksTable } from './lock-views.ts'
import { statusText } from './status-view.ts'
import { tableOf } from './table.ts'
import { wrap } from './wrap.ts'

const terminal = { isTerminal: true, paint: (_style: unknown, text: string) => text }
const pipe = { ...terminal, isTerminal: false }
const now = Date.parse('2026-01-01T00:00:00.000Z')

const lock: LockDetail = {
  node_id: 'n1',
  role: 'leader',
  leader: 'n1',
  term: 3,
  resource_id: 'db',
  holders: [{ client_id: 'A', lock_type: 'exclusive', fencing_token: 7, expires_at: '2026-01-01T00:00:30.000Z' }],
  holder_count: 1,
  waiters: [{ client_id: 'B', lock_type: 'shared', position: 1, upgrade: false, ends_at: null }],
  waiter_count: 1,
  closed_until: null,
}

test('a table has its columns one below the other on a terminal', () => {
  equal(
    tableOf(
      ['A', 'LONG'],
      [
        ['wide', '1'],
        ['x', '22'],
      ],
      terminal,
    ),
    'A     LONG\nwide  1\nx     22\n',
  )
})

test('elsewhere it is one line for each row, with tabs, and no cell can add one', () => {
  equal(tableOf(['A', 'B'], [['x\ty', '1\n2']], pipe), 'x y\t1 2\n')
})

test('a list of locks tells name, mode, holder, token, end and waiters', () => {
  equal(locksTable([lock], now, pipe), 'db\texclusive\tA\t7\t30 s\t1\n')
  const many = { ...lock, holders: Array.from({ length: 5 }, () => lock.holders[0]).flatMap((one) => one ?? []), holder_count: 9 }
  match(locksTable([many], now, terminal), /A, A, A, \+6/)
  match(locksTable([{ ...lock, holders: [], closed_until: '2026-01-01T00:00:05.000Z' }], now, terminal), /closed.*5 s/)
})

test('a name cannot give the terminal an order', () => {
  const evil = { ...lock, resource_id: '\u001b[2Jdb\u009b' }
  equal(locksTable([evil], now, pipe).split('\t')[0], '\\x1b[2Jdb\\x9b')
  doesNotMatch(lockDetailText(evil, now, terminal), /\p{Cc}(?<!\n)/u)
})

test('one lock tells who holds it and who waits', () => {
  equal(lockDetailText(lock, now, pipe), 'holder\tA\texclusive\t7\t30 s\nwaiter\tB\tshared\t1\t-\n')
  match(lockDetailText(lock, now, terminal), /^db {2}exclusive\n\n {2}HELD BY .*\n {2}A .* 30 s\n\n {2}# .*\n {2}1 {2}B/)
})

const up: NodeStatus = {
  url: 'http://h:1',
  node_id: 'n1',
  problem: null,
  reachable: true,
  refused: null,
  role: 'leader',
  term: 3,
  leader: 'n1',
  version: '1.0.0',
  cluster_id: 'c',
  lag: 0,
  answered_in_ms: 1.5,
  counts: {},
}
const down: NodeStatus = {
  ...up,
  node_id: 'n2',
  problem: 'connection refused',
  reachable: false,
  role: null,
  term: null,
  leader: null,
  counts: null,
  lag: 4,
}
const status: ClusterStatus = {
  service: 'lock',
  cluster_id: 'c',
  leader: 'n1',
  term: 3,
  nodes: [up, down],
  counts: { holds: 1, waits: 2, sessions: 3, deadlocks: 4 },
  warnings: [],
}

test('the status marks the leader and who does not answer', () => {
  const text = statusText(status, terminal)
  match(text, /^locks {2}leader n1, term 3, 1 of 2 nodes, cluster c\n/)
  match(text, /n1 .* leader .* 1\.5 ms\n/)
  match(text, /n2 .* unreachable .* connection refused\n/)
  match(text, /\nholds 1 {2}waits 2 {2}sessions 3 {2}deadlocks 4\n$/)
  match(statusText({ ...status, leader: null }, terminal), /no leader/)
  match(statusText({ ...status, warnings: ['no TLS'] }, pipe), /deadlocks 4\nwarning: no TLS\n$/)
  deepEqual(statusText(status, pipe).split('\n').length, 4)
})

test('what each node has of the cache is told beside it, and of one that does not answer nothing', () => {
  const cache = {
    ...status,
    service: 'cache',
    nodes: [{ ...up, counts: { homes: 32, hit_percent: 90 } }, down],
    counts: { values: 5 },
  } as const
  const text = statusText(cache, terminal)
  match(text, /^cache {2}leader n1/)
  match(text, /ANSWERS IN {2}HOMES {2}HIT %\n/)
  match(text, /n1 .* 1\.5 ms {6}32 {5}90\n/)
  match(text, /n2 .* - {6}- {6}connection refused\n/)
  match(text, /\nvalues 5\n$/)
})

test('prose is wrapped, and what is indented is left alone', () => {
  const text = 'one two three\nfour\n\nExamples:\n  a line that is longer than all others\nend'
  equal(wrap(text, 9), 'one two\nthree\nfour\n\nExamples:\n  a line that is longer than all others\nend')
})
