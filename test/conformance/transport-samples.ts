import { millis, wallMillis } from '#base/brand.ts'
import type { Formation } from '#core/cluster/types.ts'
import { type Entry, type Membership, type SnapshotMeta, logIndex, replicaId, term } from '#core/raft/types.ts'
import type { Hello, PeerMessage, PeerRequest, PeerResponse } from '#wire/peer-message.ts'
import type { DirectMessage } from '#wire/raft-schema.ts'

/** One message of every variant; the compiler asks for a new one when a variant is added. */

type Samples<T extends { readonly type: string }> = { readonly [K in T['type']]: Extract<T, { readonly type: K }> }

const a = replicaId('node-1.a1b2c3d4e5f60718.0')
const b = replicaId('node-2.0011223344556677.3')
const c = replicaId('knoten-drei-ü-三.ffffffffffffffff.0')
const membership: Membership = { voters: [a, b, c], outgoing: [a, b], learners: [] }
const timing = { heartbeatMs: 100, electionMinMs: 500, electionMaxMs: 1000, leaseMs: 450 }
const addressed = { from: a, to: b, term: term(7) }

function command(index: number, bytes: number): Entry {
  const payload = { type: 'command', bytes: new Uint8Array(bytes).fill(index) } as const
  return { index: logIndex(index), term: term(7), time: millis(index + 0.25), wall: wallMillis(1_763_700_000_000 + index), payload }
}

export const append = (count: number, bytes: number): PeerMessage => ({
  type: 'raft',
  group: 5,
  message: {
    ...addressed,
    type: 'append',
    previousIndex: logIndex(99_999),
    previousTerm: term(7),
    entries: Array.from({ length: count }, (_, place) => command(100_000 + place, bytes)),
    commit: logIndex(99_990),
  },
})

export const propose = (count: number, bytes: number): PeerMessage => ({
  type: 'request',
  id: 4711,
  request: { type: 'propose', group: 5, commands: Array.from({ length: count }, (_, place) => new Uint8Array(bytes).fill(place)) },
})

/** A small message that is told apart by its number. */
export const numbered = (id: number): PeerMessage => ({ type: 'request', id, request: { type: 'read-index', group: 1 } })

/** A message with a body of that size. */
export const sized = (id: number, bytes: number): PeerMessage => ({
  type: 'response',
  id,
  response: { type: 'proposed', outcomes: [{ type: 'applied', index: logIndex(1), answer: new Uint8Array(bytes).fill(id) }] },
})

export const heartbeats = (count: number): PeerMessage => ({
  type: 'heartbeats',
  wall: wallMillis(1_763_700_000_000),
  beats: Array.from({ length: count }, (_, group) => ({
    ...addressed,
    group,
    commit: logIndex(1_000_000 + group),
    round: 30_000,
    restMs: 300,
  })),
})

const snapshot: SnapshotMeta = {
  index: logIndex(500),
  term: term(6),
  time: millis(12.5),
  membership,
  membershipIndex: logIndex(3),
  bytes: 9,
}
const entries: readonly Entry[] = [
  { ...command(1, 0), payload: { type: 'term-start', leader: a } },
  { ...command(2, 0), payload: { type: 'membership', membership } },
  command(3, 0),
  command(4, 300),
  command(5, 70_000),
]

const raft: Samples<DirectMessage> = {
  append: { ...addressed, type: 'append', previousIndex: logIndex(0), previousTerm: term(0), entries, commit: logIndex(2 ** 40) },
  'append-ack': { ...addressed, type: 'append-ack', match: logIndex(Number.MAX_SAFE_INTEGER) },
  'append-reject': { ...addressed, type: 'append-reject', rejected: logIndex(128), hintIndex: logIndex(127), hintTerm: term(255) },
  'vote-request': { ...addressed, type: 'vote-request', lastIndex: logIndex(256), lastTerm: term(65_535), force: true },
  'vote-response': { ...addressed, type: 'vote-response', granted: false },
  'pre-vote-request': { ...addressed, type: 'pre-vote-request', lastIndex: logIndex(65_536), lastTerm: term(1) },
  'pre-vote-response': { ...addressed, type: 'pre-vote-response', granted: true },
  'stale-term': { ...addressed, type: 'stale-term' },
  'snapshot-chunk': { ...addressed, type: 'snapshot-chunk', snapshot, offset: 4, bytes: new Uint8Array([1, 2, 3, 4, 5]), last: true },
  'snapshot-ack': { ...addressed, type: 'snapshot-ack', index: logIndex(500), offset: 9 },
  'timeout-now': { ...addressed, type: 'timeout-now' },
}

const formation: Formation = {
  clusterId: '0d0c2b52-6cf5-4a52-9f1c-0d5a6c1d9d1e',
  recovery: 'a1c4',
  members: [{ name: 'node-1', incarnation: 'a1b2c3d4e5f60718', address: '[::1]:8001' }],
  slots: 32,
  replication: 3,
  timing,
}

const hello: Hello = { name: 'node-1', incarnation: 'a1b2c3d4e5f60718', address: '[::1]:8001', voters: ['x:1', 'y:2'], timing, formation }
const join = { name: 'node-4', incarnation: '00', address: 'node-4:8001', version: 1, timing }

const requests: Samples<PeerRequest> = {
  propose: { type: 'propose', group: 5, commands: [new Uint8Array([1]), new Uint8Array(0), new Uint8Array(1000).fill(9)] },
  'read-index': { type: 'read-index', group: 0 },
  'group-status': { type: 'group-status', group: 4_294_967_295 },
  'change-membership': { type: 'change-membership', group: 2, expectedIndex: logIndex(9), voters: [a, b], learners: [c] },
  transfer: { type: 'transfer', group: 2, to: b },
  'host-group': { type: 'host-group', group: 2, replica: a, initial: membership, decidedAt: logIndex(40) },
  'drop-group': { type: 'drop-group', group: 2, replica: a, givesUp: true },
  hello: { type: 'hello', hello: { ...hello, formation: null } },
  form: { type: 'form', formation },
  join: { type: 'join', join },
  service: { type: 'service', group: 1, question: new Uint8Array([1, 2, 3]) },
  bodies: { type: 'bodies', group: 1, after: logIndex(2 ** 33), upTo: logIndex(2 ** 34) },
}

const responses: Samples<PeerResponse> = {
  bodies: { type: 'bodies', upTo: logIndex(9), entries: entries.slice(3) },
  proposed: {
    type: 'proposed',
    outcomes: [
      { type: 'applied', index: logIndex(77), answer: new Uint8Array([7, 7]) },
      { type: 'refused', code: 'not-leader', leader: b },
      { type: 'refused', code: 'stopping', leader: null },
      { type: 'unknown' },
    ],
  },
  'read-index': { type: 'read-index', index: logIndex(77) },
  'group-status': {
    type: 'group-status',
    status: {
      replica: a,
      role: 'leader',
      term: term(7),
      leader: a,
      commit: logIndex(8),
      applied: logIndex(7),
      membership,
      membershipIndex: logIndex(3),
      caughtUp: [c],
      reachable: [a, c],
    },
  },
  'membership-accepted': { type: 'membership-accepted', index: logIndex(9) },
  done: { type: 'done' },
  hello: { type: 'hello', hello },
  joined: { type: 'joined', formation },
  service: { type: 'service', answer: new Uint8Array([4]) },
  refused: { type: 'refused', code: 'timing-differs', detail: 'élection', leader: null },
}

export const samples: readonly PeerMessage[] = [
  ...Object.values(raft).map((message) => ({ type: 'raft', group: 3, message }) as const),
  heartbeats(0),
  heartbeats(33),
  {
    type: 'heartbeat-acks',
    wall: wallMillis(0),
    acks: [
      { ...addressed, group: 1, round: 5, match: logIndex(6) },
      { from: b, to: c, term: term(9), group: 2, round: 0, match: logIndex(0) },
    ],
  },
  ...Object.values(requests).map((request, id) => ({ type: 'request', id, request }) as const),
  ...Object.values(responses).map((response, id) => ({ type: 'response', id, response }) as const),
  { type: 'notice', content: new Uint8Array([5, 6]) },
]
