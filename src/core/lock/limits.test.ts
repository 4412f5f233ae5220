import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { identity, TestLocks } from './testkit.ts'
import { sessionId } from './types.ts'

test('a full queue refuses, whether the request is for one resource or several', () => {
  const locks = new TestLocks({ waitersPerResourceMax: 1 })
  locks.acquire('A', 'r')
  equal(locks.acquire('B', 'r'), 'queued 1')
  equal(locks.acquire('C', 'r'), 'queue_full')
  equal(locks.acquire('C', 'q r'), 'queue_full')
  equal(locks.acquire('B', 'r'), 'queued 1', 'who is in it may ask again')
  equal(locks.machine.state.resources.size, 1)
})

test('there are only so many resources, and one that is forgotten makes room', () => {
  const locks = new TestLocks({ resourcesMax: 2 })
  locks.acquire('A', 'p')
  equal(locks.acquire('A', 'q r'), 'too_many_resources')
  locks.acquire('A', 'q')
  equal(locks.acquire('A', 'r'), 'too_many_resources')
  locks.release('A', 'p')
  equal(locks.acquire('A', 'r'), 'granted 3')
})

test('a client holds and waits for only so much', () => {
  const locks = new TestLocks({ locksPerClientMax: 2, waitsPerClientMax: 1 })
  locks.acquire('B', 'p q r')
  equal(locks.acquire('A', 'p'), 'queued 1')
  equal(locks.acquire('A', 'q'), 'too_many_waits')
  equal(locks.acquire('A', 's'), 'granted 4')
  equal(locks.acquire('A', 't'), 'too_many_locks')
  equal(locks.acquire('A', 's'), 'granted 4')
})

test('a resource has only so many readers', () => {
  const locks = new TestLocks({ holdersPerResourceMax: 1 })
  locks.acquire('A', 'r:s')
  equal(locks.acquire('B', 'r:s'), 'too_many_holders')
  equal(locks.acquire('B', 'r'), 'queued 1')
})

test('there are only so many sessions, in all and for one client', () => {
  const locks = new TestLocks({ sessionsMax: 3, sessionsPerClientMax: 1 })
  equal(locks.open('A/s'), 'session')
  equal(locks.open('A/s'), 'session', 'to open one again reports it')
  equal(locks.open('B/s'), 'session_exists')
  equal(locks.openNode('s'), 'session_exists')
  equal(locks.open('A/t'), 'too_many_sessions')
  equal(locks.open('B/t'), 'session')
  equal(locks.openNode('n'), 'session')
  equal(locks.openNode('n'), 'session')
  equal(locks.open('C/u'), 'too_many_sessions')
  equal(locks.openNode('m'), 'session', 'nothing could be done for anybody without it')
})

test('a session that has ended counts no more, and leaves nothing behind', () => {
  const locks = new TestLocks({ sessionsPerClientMax: 1 })
  for (const end of ['close', 'expire'] as const) {
    equal(locks.open('A/s'), 'session')
    equal(locks[end]('s'), 'ended 1')
  }
  equal(locks.machine.state.clients.size, 0)
})

test('a session of a node is its own, and what is not there is not ended', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  equal(locks.try({ type: 'open-node-session', session: sessionId('n'), node: 'another', ttlMs: 5_000 }), 'session_exists')
  equal(locks.expire('absent', 'n'), 'ended 1')
  equal(locks.expire('n'), 'ended 0')
})

test('one command ends only so much, and says that there is more', () => {
  const locks = new TestLocks({ expiriesMax: 2 })
  for (const name of ['p', 'q', 'r']) locks.acquire('A', name, { ttlMs: 10 })
  equal(locks.pass(10), 'ended 2 of more')
  equal(locks.pass(0), 'ended 1')
})

test('a session keeps only so many answers, and a retry of an older command is refused', () => {
  const locks = new TestLocks({ answersPerSessionMax: 2 })
  locks.open('A/s')
  for (const [at, name] of ['p', 'q', 'r'].entries()) locks.acquire('A/s', name, { identity: identity(`s#${at + 1}`) })
  equal(locks.acquire('A/s', 'p', { identity: identity('s#1') }), 'already_answered')
  equal(locks.acquire('A/s', 'q', { identity: identity('s#2') }), 'granted 2')
})

test('a session is only for its own client', () => {
  const locks = new TestLocks()
  locks.open('A/s')
  locks.openNode('n')
  equal(locks.acquire('B/s', 'r'), 'wrong_client')
  equal(locks.acquire('A/n', 'r'), 'wrong_client')
  equal(locks.acquire('B', 'r', { identity: identity('s#1') }), 'wrong_client')
})

/** B waits for `what` in the background, and loses that wait to A, who asks for what B holds and thinks better of it. */
function victim(locks: TestLocks, what: string, who = 'B'): void {
  locks.acquire(who, what, { ttlMs: 1_000 })
  locks.acquire('A', 'b')
  locks.release('A', 'b')
}

test('ends of waits that nobody asks about are kept for a while, and not too many', () => {
  const locks = new TestLocks({ verdictsPerOwnerMax: 2 })
  locks.configure('fewest-locks')
  for (const name of ['p', 'q', 'r']) locks.acquire('A', name)
  locks.acquire('B', 'b')
  for (const name of ['p', 'q', 'r']) victim(locks, name)
  equal(locks.machine.state.verdicts.size, 2)
  equal(locks.acquire('B', 'p', { waitMs: 0 }), 'timed-out', 'the oldest is forgotten')
  equal(locks.acquire('B', 'q', { waitMs: 0 }), 'deadlock A>B')
  equal(locks.acquire('B', 'q', { waitMs: 0 }), 'timed-out', 'it is told once')
  locks.pass(999)
  equal(locks.machine.state.verdicts.size, 1)
  locks.pass(1)
  equal(locks.machine.state.verdicts.size, 0)
})

test('the end of a wait that a session carried is kept as long as the session', () => {
  const locks = new TestLocks()
  locks.configure('fewest-locks')
  locks.open('B/s')
  for (const name of ['p', 'q']) locks.acquire('A', name, { ttlMs: 0 })
  locks.acquire('B/s', 'b')
  victim(locks, 'p', 'B/s')
  victim(locks, 'q', 'B/s')
  locks.pass(1e9)
  equal(locks.acquire('B/s', 'p'), 'deadlock A>B')
  locks.close('s')
  equal(locks.machine.state.verdicts.size, 0)
})
