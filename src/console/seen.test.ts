import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterView } from '#api/common/node-api.ts'
import type { QueueStatus } from '#api/queues/status.ts'
import { clusterCard } from './cluster-card.ts'
import { historyMs } from './queue-history.ts'
import type { Heard } from './seen.ts'
import { emptyWorld, seen } from './seen.ts'
import { askAfterMs, sourceOf } from './sources.ts'
import type { World } from './world.ts'
import { newNode } from './world.ts'

const at = '2026-01-31T12:00:00.000Z'
const told = (heard: readonly Heard[], world: World = emptyWorld(['a:1', 'b:2', 'c:3'])): World => heard.reduce(seen, world)

const described = (address: string, name: string): Heard => ({
  type: 'described',
  address,
  body: { service: 'lock', node_id: name, version: '0.1.0' },
})
const three = told([described('a:1', 'lock-node-1'), described('b:2', 'lock-node-2'), described('c:3', 'lock-node-3')])

interface Told {
  readonly leader: string | null
  readonly term: number
  /** Of the other replicas, as its leader tells. */
  readonly lags?: readonly (readonly [string, number])[]
}

const cluster = (name: string, { leader, term, lags = [] }: Told): ClusterView => {
  const slot = { leader, term, commit_index: 9, applied_index: 9, changing: false }
  const role = leader === name ? 'leader' : 'follower'
  const replicas = lags.map(([node, lag]) => ({ node_id: node, voter: true, lag }))
  return {
    node_id: name,
    cluster_id: 'c',
    engine: 'embedded',
    members: [],
    slots: [
      { ...slot, slot: 0, role: 'follower', replicas: [] },
      { ...slot, slot: 1, role, replicas },
    ],
    warnings: [],
  }
}

test('a cluster is whole when all its nodes answer and every slot has a leader', () => {
  equal(clusterCard(emptyWorld(['a:1']).nodes, 'lock').health, 'unknown')
  const lags = [
    ['lock-node-1', 0],
    ['lock-node-2', 0],
    ['lock-node-3', 7],
  ] as const
  const world = told(
    [
      { type: 'cluster', address: 'a:1', body: cluster('lock-node-1', { leader: null, term: 4 }) },
      { type: 'cluster', address: 'b:2', body: cluster('lock-node-2', { leader: 'lock-node-2', term: 4, lags }) },
      { type: 'cluster', address: 'c:3', body: cluster('lock-node-3', { leader: 'lock-node-1', term: 3 }) },
    ],
    three,
  )
  const card = clusterCard(world.nodes, 'lock')
  deepEqual([card.health, card.slots, card.term, card.leaderless], ['whole', 1, 4, 0])
  deepEqual(
    card.rows.map(({ id, isLeader, lag, term }) => [id, isLeader, lag, term]),
    [
      ['lock-node-1', false, 0, 4],
      ['lock-node-2', true, 0, 4],
      ['lock-node-3', false, 7, 3],
    ],
  )
  const lost = clusterCard(told([{ type: 'silent', address: 'b:2' }], world).nodes, 'lock')
  equal(lost.health, 'degraded')
  deepEqual(
    lost.rows.map(({ isLeader, lag }) => [isLeader, lag]),
    [
      [false, null],
      [false, null],
      [false, null],
    ],
  )
  const none = told(
    ['a:1', 'b:2', 'c:3'].map((address) => ({ type: 'silent', address })),
    world,
  )
  equal(clusterCard(none.nodes, 'lock').health, 'down')
})

test('the same node is asked for as long as it answers, then another', () => {
  equal(sourceOf(emptyWorld(['a:1']).nodes, 'lock', null), null)
  equal(sourceOf(three.nodes, 'lock', null), 'a:1')
  equal(sourceOf(three.nodes, 'lock', 'b:2'), 'b:2')
  const silent = told([{ type: 'silent', address: 'b:2' }], three)
  equal(sourceOf(silent.nodes, 'lock', 'b:2'), 'a:1')
  equal(sourceOf(silent.nodes, 'queue', 'b:2'), null)
})

test('a node that says nothing is asked ever more rarely, and as often as others once it answers', () => {
  const after = (failures: number): number => askAfterMs({ ...newNode('a:1'), failures })
  deepEqual([0, 1, 2, 3, 99].map(after), [2_000, 2_000, 4_000, 8_000, 10_000])
  const back = told([{ type: 'silent', address: 'a:1' }, { type: 'silent', address: 'a:1' }, described('a:1', 'lock-node-1')])
  deepEqual([back.nodes[0]?.health, back.nodes[0]?.failures], ['up', 0])
})

test('what is kept has a limit: lines, flashes, samples', () => {
  let world = three
  for (let turn = 0; turn < 1_000; turn++) {
    world = told(
      [
        { type: 'event', service: 'lock', event: { type: 'member-changed', at, node_id: `n${turn}`, state: 'active' } },
        {
          type: 'bus',
          event: { type: 'bus', at, transaction: 'BusRd', key: `k${turn}`, slot: 1, from: 'x', to: 'y', grants: null, seen: 'sent' },
        },
        { type: 'queues', at: turn * 2_000, body: { queues: [] } as unknown as QueueStatus },
      ],
      world,
    )
  }
  equal(world.log.length, 200)
  equal(world.log[0]?.text, 'n999 is active')
  equal(world.flashes.size, 512)
  ok(world.history.all.length <= historyMs / 2_000 + 2)
})

test('however often the queues are heard, a curve has a point about every second, the last one up to date', () => {
  const body = { queues: [] } as unknown as QueueStatus
  const world = told(Array.from({ length: 101 }, (_, index) => ({ type: 'queues', body, at: index * 100 })))
  const instants = world.history.all.map((sample) => sample.at)
  equal(instants.at(-1), 10_000)
  ok(instants.length >= 10 && instants.length <= 13, instants.join())
})

test('the same transaction at the same place is a new flash', () => {
  const bus = { type: 'bus', at, transaction: 'BusRd', key: 'k', slot: 1, from: 'x', to: 'y', grants: null, seen: 'sent' } as const
  const once = told([{ type: 'bus', event: bus }])
  const twice = told([{ type: 'bus', event: bus }], once)
  deepEqual([once.flashes.get('x k')?.number, twice.flashes.get('x k')?.number], [1, 2])
  const answered = told([{ type: 'bus', event: { ...bus, transaction: 'Answer', from: 'y', to: 'x' } }], twice)
  deepEqual(answered.flashes.get('x k'), { transaction: 'Answer', number: 3 })
})

test('an event of a newer version is left out, and harms nothing', () => {
  const world = told([{ type: 'event', service: 'lock', event: { type: 'of-the-future', at } as never }])
  deepEqual(world.log, [])
})
