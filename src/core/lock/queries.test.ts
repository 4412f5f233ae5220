import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { countsOf, viewResource, viewResources, viewSession, viewSessions, waitForEdges } from './queries.ts'
import { identity, TestLocks } from './testkit.ts'
import { resourceName, sessionId } from './types.ts'

function sample(): TestLocks {
  const locks = new TestLocks()
  locks.open('A/s')
  locks.openNode('n')
  locks.acquire('A/s', 'r:s')
  locks.acquire('B', 'r:s', { ttlMs: 5_000 })
  locks.acquire('B', 'r')
  locks.acquire('C', 'r', { waitMs: 2_000, identity: identity('n#1') })
  locks.acquire('A/s', 'q')
  return locks
}

test('a resource is shown with its holders, and its waiters in order', () => {
  const { state } = sample().machine
  const wall = 1_700_000_000_000
  deepEqual(viewResource(state, resourceName('r')), {
    resource: 'r',
    holders: [
      { client: 'A', session: 's', mode: 'shared', token: 1, expiresAt: null },
      { client: 'B', session: null, mode: 'shared', token: 2, expiresAt: wall + 5_000 },
    ],
    waiters: [
      { client: 'B', session: null, mode: 'exclusive', upgrade: true, endsAt: wall + 60_000 },
      { client: 'C', session: null, mode: 'exclusive', upgrade: false, endsAt: wall + 2_000 },
    ],
    closedUntil: null,
  })
  equal(viewResource(state, resourceName('absent')), null)
  const names = (prefix: string, after: string | null): string[] =>
    [...viewResources(state, { prefix, after })].map(({ resource }) => resource)
  deepEqual([names('', null), names('', 'q'), names('q', null), names('r', 'q'), names('q', 'r')], [['q', 'r'], ['r'], ['q'], ['r'], []])
})

test('sessions are shown with what they carry', () => {
  const { state } = sample().machine
  deepEqual(
    [...viewSessions(state)],
    [
      { session: 's', client: 'A', ttlMs: 10_000, locks: 2, waits: 0 },
      { session: 'n', client: null, ttlMs: 5_000, locks: 0, waits: 1 },
    ],
  )
  equal(viewSession(state, sessionId('absent')), null)
})

test('the wait-for graph has an edge for everybody in the way', () => {
  deepEqual(
    [...waitForEdges(sample().machine.state)].map(({ client, behind, of }) => `${client} ${behind} ${of}`),
    ['B holder A', 'C holder A', 'C holder B', 'C waiter B'],
  )
})

test('everything is counted', () => {
  deepEqual(countsOf(sample().machine.state), { resources: 2, locks: 3, waits: 2, clients: 3, sessions: 2, deadlocks: 0, grants: 3 })
})
