import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { checkToken } from './queries.ts'
import { acquireCommand, identity, TestLocks } from './testkit.ts'
import { clientId, resourceName } from './types.ts'

test('an exclusive lock is held by one client, and whoever comes later waits in order', () => {
  const locks = new TestLocks()
  equal(locks.acquire('A', 'r'), 'granted 1')
  equal(locks.acquire('B', 'r'), 'queued 1')
  equal(locks.acquire('C', 'r'), 'queued 2')
  equal(locks.release('A', 'r'), 'released B=2')
  equal(locks.release('B', 'r'), 'released C=3')
  equal(locks.release('C', 'r'), 'released')
  equal(locks.machine.state.resources.size, 0)
})

test('defect 3: a reader does not pass a writer that waits', () => {
  const locks = new TestLocks()
  locks.acquire('reader-1', 'r:s')
  locks.acquire('reader-2', 'r:s')
  equal(locks.acquire('writer', 'r'), 'queued 1')
  equal(locks.acquire('reader-3', 'r:s'), 'queued 2')
  equal(locks.acquire('reader-4', 'r:s', { waitMs: 0 }), 'timed-out')
  locks.release('reader-1', 'r')
  equal(locks.release('reader-2', 'r'), 'released writer=3')
})

test('defect 4: readers that wait one behind the other are granted together, each as a reader', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r')
  for (const reader of ['B', 'C']) locks.acquire(reader, 'r:s')
  locks.acquire('D', 'r')
  locks.acquire('E', 'r:s')
  equal(locks.release('A', 'r'), 'released B=2 C=3')
  equal(locks.show('r'), 'B:s C:s | D E:s')
})

test('who leaves the queue no longer blocks those behind', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r:s')
  locks.acquire('B', 'r')
  locks.acquire('C', 'r:s')
  equal(locks.release('B', 'r'), 'released C=2')
  equal(locks.show('r'), 'A:s C:s |')
})

test('a request that is sent again reports how things stand, and does not count twice', () => {
  const locks = new TestLocks()
  equal(locks.acquire('A', 'r'), 'granted 1')
  equal(locks.acquire('A', 'r'), 'granted 1')
  equal(locks.acquire('A', 'r:s'), 'granted 1', 'an exclusive lock is good for reading too')
  locks.acquire('B', 'r')
  equal(locks.acquire('B', 'r'), 'queued 1')
  equal(locks.acquire('B', 'r:s'), 'conflicting_request')
  equal(locks.release('A', 'r'), 'released B=2')
})

test('a request that waits and is sent again waits on the new terms', () => {
  const locks = new TestLocks()
  locks.open('C/s')
  locks.acquire('A', 'r', { ttlMs: 0 })
  locks.acquire('B', 'r', { ttlMs: 1_000 })
  equal(locks.acquire('B', 'r', { ttlMs: 5_000, lockDelayMs: 200 }), 'queued 1')
  locks.acquire('C/s', 'r', { waitMs: 1_000, identity: identity('s#1') })
  equal(locks.acquire('C/s', 'r', { identity: identity('s#2') }), 'queued 2')
  equal(locks.pass(4_999), 'ended 0')
  equal(locks.release('A', 'r'), 'released B=2')
  equal(locks.pass(4_999), 'ended 0')
  locks.pass(1)
  equal(locks.show('r'), '| C', 'lost, and closed for a while')
  locks.pass(200)
  equal(locks.show('r'), 'C |')
})

test('whoever watches is told what becomes of locks and waits', () => {
  const locks = new TestLocks()
  const told = (): string[] =>
    locks.events.map((event) =>
      'reason' in event ? `${event.type} ${event.reason}` : 'answer' in event ? `${event.type} ${event.answer.type}` : event.type,
    )
  locks.openNode('n')
  deepEqual(told(), ['session-opened'])
  locks.acquire('A', 'r', { ttlMs: 5_000 })
  deepEqual(told(), ['granted'])
  locks.acquire('B', 'r', { waitMs: 1_000, identity: identity('n#1') })
  deepEqual(told(), [])
  locks.pass(1_000)
  deepEqual(told(), ['settled timed-out', 'wait-ended timed-out'])
  locks.acquire('B', 'r', { waitMs: 9_000, identity: identity('n#2') })
  locks.pass(4_000)
  deepEqual(told(), ['hold-ended lease-expired', 'granted', 'settled granted'])
  locks.downgrade('B', 'r')
  deepEqual(told(), ['downgraded'])
  locks.expire('n')
  deepEqual(told(), ['session-ended expired'])
})

test('a request that would have to wait and may not is told who is in the way, and leaves no trace', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r', { ttlMs: 5_000 })
  locks.time = 2_000
  deepEqual(locks.do(acquireCommand('B', 'r', { waitMs: 0 })), {
    type: 'timed-out',
    holders: [{ client: 'A', mode: 'exclusive', token: 1 }],
    retryAfterMs: 3_000,
  })
  equal(locks.machine.state.clients.size, 1)
})

test('an upgrade goes ahead of the queue and has a token of its own', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r:s')
  locks.acquire('B', 'r:s')
  locks.acquire('C', 'r')
  equal(locks.acquire('A', 'r'), 'queued 1')
  equal(locks.show('r'), 'A:s B:s | A C')
  equal(locks.release('B', 'r'), 'released A=3')
  equal(locks.show('r'), 'A | C')
  equal(locks.acquire('A', 'r'), 'granted 3')
})

test('an upgrade of the only holder is granted at once, past those who wait', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r:s')
  locks.acquire('B', 'r')
  equal(locks.acquire('A', 'r', { waitMs: 0 }), 'granted 2')
  equal(locks.show('r'), 'A | B')
})

test('an upgrade that is given up leaves the shared lock as it was, and a release ends both', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  locks.acquire('A', 'r:s')
  locks.acquire('B', 'r:s')
  locks.acquire('A', 'r', { waitMs: 1_000, identity: identity('n#1') })
  locks.pass(1_000)
  deepEqual(locks.settled, ['n#1 timed-out'])
  equal(locks.show('r'), 'A:s B:s |')
  locks.acquire('A', 'r')
  locks.release('A', 'r')
  equal(locks.show('r'), 'B:s |')
  equal(locks.acquire('A', 'r:s'), 'granted 3')
})

test('an upgrade ends when the lock it builds on runs out', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r:s', { ttlMs: 1_000 })
  locks.acquire('B', 'r:s')
  locks.acquire('A', 'r')
  locks.pass(1_000)
  equal(locks.show('r'), 'B:s |')
  equal(locks.acquire('A', 'r'), 'hold_ended')
  equal(locks.acquire('A', 'r'), 'queued 1')
})

test('a downgrade keeps the token and lets waiting readers in', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r')
  locks.acquire('B', 'r:s')
  equal(locks.downgrade('A', 'r'), 'released B=2')
  equal(locks.show('r'), 'A:s B:s |')
  equal(locks.acquire('A', 'r:s'), 'granted 1')
  equal(locks.downgrade('B', 'r'), 'released', 'what is shared already stays shared')
})

test('defect 5: a lock whose client is gone is passed on when its lease runs out', () => {
  const locks = new TestLocks()
  locks.acquire('gone', 'r', { ttlMs: 60_000 })
  locks.acquire('B', 'r', { ttlMs: 120_000 })
  equal(locks.pass(59_999), 'ended 0')
  equal(locks.pass(1), 'ended 1')
  equal(locks.show('r'), 'B |')
})

test('defect 5: what a client has under a session, locks and places in queues, goes with the session', () => {
  const locks = new TestLocks()
  locks.open('gone/s')
  locks.acquire('gone/s', 'p')
  locks.acquire('A', 'q')
  locks.acquire('gone/s', 'q')
  for (const what of ['p', 'q']) locks.acquire('B', what)
  locks.expire('s')
  equal(locks.show('p'), 'B |')
  equal(locks.show('q'), 'A | B')
})

test('defect 5: every grant of a resource has a larger token, so a late holder is told from the one who has the lock', () => {
  const locks = new TestLocks()
  equal(locks.acquire('gone', 'r', { ttlMs: 1_000 }), 'granted 1')
  locks.pass(1_000)
  equal(locks.acquire('B', 'r'), 'granted 2')
  deepEqual(checkToken(locks.machine.state, resourceName('r'), 1), { valid: false, reason: 'superseded' })
  equal(locks.release('gone', 'r', 1), 'not_holder')
  equal(locks.show('r'), 'B |')
})

test('defect 5: a wait can be cancelled, and is never granted after that', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  locks.acquire('A', 'r')
  locks.acquire('gone', 'r', { waitMs: 60_000, identity: identity('n#1') })
  equal(locks.cancel('n#1'), 'cancelled')
  equal(locks.release('A', 'r'), 'released')
  equal(locks.show('r'), '|')
})

test('an extension counts from when it is applied, and 0 is a lease without end', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r', { ttlMs: 1_000 })
  locks.time = 900
  equal(locks.extend('A', 'r', 1_000), 'extended 1')
  equal(locks.pass(999), 'ended 0')
  equal(locks.extend('A', 'r', 0), 'extended 1')
  equal(locks.pass(1e9), 'ended 0')
  equal(locks.extend('A', 'r', 5), 'extended 1')
  equal(locks.pass(5), 'ended 1')
  equal(locks.extend('A', 'r', 5), 'unknown_resource')
})

test('a session carries many locks, which end with it', () => {
  const locks = new TestLocks()
  locks.open('A/s')
  for (const name of ['p', 'q', 'r']) locks.acquire('A/s', name)
  locks.acquire('B', 'q')
  equal(locks.extend('A/s', 'p', 1_000), 'carried_by_session')
  equal(locks.pass(1e9), 'ended 1', 'only the background wait of B, which nobody sent again')
  locks.acquire('B', 'q')
  equal(locks.close('s'), 'ended 1')
  equal(locks.show('q'), 'B |')
  equal(locks.machine.state.resources.size, 1)
  equal(locks.acquire('A/s', 'p'), 'session_lost')
  equal(locks.close('s'), 'session_lost')
})

test('a request that names no session speaks for all that its client has', () => {
  const locks = new TestLocks()
  locks.open('A/s')
  locks.acquire('A/s', 'r')
  equal(locks.acquire('A', 'r'), 'granted 1')
  equal(locks.release('A', 'r'), 'released')
})

test('a force-release takes a lock from whoever holds it', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r:s')
  locks.acquire('B', 'r:s')
  locks.acquire('C', 'r')
  equal(locks.try({ type: 'force-release', resource: resourceName('r'), client: null }), 'released C=3')
  equal(locks.release('A', 'r'), 'not_holder')
})

test('a force-release that names somebody who holds nothing says so', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r')
  locks.acquire('B', 'r')
  equal(locks.try({ type: 'force-release', resource: resourceName('r'), client: clientId('B') }), 'not_holder')
  equal(locks.show('r'), 'A | B')
})

test('who leaves a queue by name is told so where it waits, and finds no verdict when it asks again', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  locks.acquire('A', 'r')
  locks.acquire('B', 'r', { identity: identity('n#1'), waitMs: 60_000 })
  locks.acquire('C', 'r')
  for (const who of ['B', 'C']) locks.release(who, 'r')
  equal(locks.acquire('B', 'r', { identity: identity('n#1'), waitMs: 60_000 }), 'withdrawn')
  equal(locks.acquire('C', 'r'), 'queued 1')
})

test('who gives back the shared lock that it is raising has withdrawn that too', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  for (const who of ['A', 'B']) locks.acquire(who, 'r:s')
  locks.acquire('A', 'r', { identity: identity('n#1'), waitMs: 60_000 })
  locks.release('A', 'r')
  equal(locks.acquire('A', 'r', { identity: identity('n#1'), waitMs: 60_000 }), 'withdrawn')
})

test('the end of a session tells who asked for its client by a node what ended, and not that a session of theirs was lost', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  locks.open('A/s')
  for (const who of ['A/s', 'B']) locks.acquire(who, 'r:s')
  locks.acquire('B', 'q')
  locks.acquire('A/s', 'q')
  locks.acquire('A', 'r', { identity: identity('n#1'), waitMs: 60_000 })
  locks.acquire('A', 'q', { identity: identity('n#2'), waitMs: 60_000 })
  locks.close('s')
  equal(locks.acquire('A', 'r', { identity: identity('n#1'), waitMs: 60_000 }), 'hold_ended')
  equal(locks.acquire('A', 'q', { identity: identity('n#2'), waitMs: 60_000 }), 'withdrawn')
})
