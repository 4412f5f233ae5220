import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { checkToken, isWounded } from './queries.ts'
import { acquireCommand, identity, TestLocks } from './testkit.ts'
import type { LockCommand } from './types.ts'
import { clientId, resourceName, sessionId } from './types.ts'

/** Client A holds `r` by session `s`; B waits for it. */
function sessionAndWaiter(): TestLocks {
  const locks = new TestLocks()
  locks.open('A/s')
  locks.acquire('A/s', 'r')
  locks.acquire('B', 'r')
  return locks
}

test('decision L1: an end that a former leader proposed is not carried out in the term of a later one', () => {
  const locks = sessionAndWaiter()
  const proposed: LockCommand = { type: 'expire-sessions', term: 1, sessions: [sessionId('s')] }
  locks.term = 2
  equal(locks.try(proposed), 'stale_term')
  equal(locks.show('r'), 'A | B')
  locks.term = 1
  equal(locks.try(proposed), 'ended 1')
  equal(locks.show('r'), 'B |')
})

test('decision L1: a session that has ended is granted nothing that it waited for', () => {
  const locks = new TestLocks()
  locks.open('A/s')
  locks.acquire('B', 'r')
  locks.acquire('A/s', 'r', { waitMs: 60_000, identity: identity('s#1') })
  locks.acquire('C', 'r')
  equal(locks.expire('s'), 'ended 1')
  deepEqual(locks.settled, ['s#1 session_lost'])
  equal(locks.release('B', 'r'), 'released C=2')
})

test('decision L1: a renewal that is in the log before the expiry keeps the lease', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r', { ttlMs: 1_000 })
  locks.time = 1_000
  equal(locks.extend('A', 'r', 1_000), 'extended 1')
  equal(locks.pass(0), 'ended 0')
  equal(locks.pass(1_000), 'ended 1')
})

test('decision L2: over HTTP a lock that is acquired again counts once, and one release frees it', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  equal(locks.acquire('A', 'r', { identity: identity('n#1') }), 'granted 1')
  equal(locks.acquire('A', 'r', { identity: identity('n#2') }), 'granted 1')
  equal(locks.release('A', 'r'), 'released')
  equal(locks.acquire('B', 'r'), 'granted 2')
})

test('decision L2: a command of a session is carried out once, whoever brings it again', () => {
  const locks = new TestLocks()
  locks.open('A/s')
  equal(locks.acquire('A/s', 'r', { identity: identity('s#1') }), 'granted 1')
  const release = { type: 'release', identity: identity('s#2'), owner: { client: clientId('A'), session: sessionId('s') } } as const
  const command: LockCommand = { ...release, resource: resourceName('r'), proof: { type: 'as-of', index: locks.index } }
  equal(locks.try(command), 'released')
  equal(locks.acquire('B', 'r'), 'granted 2')
  equal(locks.acquire('A/s', 'r', { identity: identity('s#1') }), 'granted 1', 'the answer of then; nothing is acquired again')
  equal(locks.try(command), 'released')
  equal(locks.show('r'), 'B |')
})

test('decision L2: a retry of a request that waits is told how it stands now', () => {
  const locks = new TestLocks()
  locks.open('A/s')
  locks.acquire('B', 'r')
  equal(locks.acquire('A/s', 'r', { identity: identity('s#1') }), 'queued 1')
  equal(locks.acquire('A/s', 'r', { identity: identity('s#1') }), 'queued 1')
  locks.release('B', 'r')
  deepEqual(locks.settled, ['s#1 granted 2'])
  equal(locks.acquire('A/s', 'r', { identity: identity('s#1') }), 'granted 2')
})

test('decision L2: a command of a session that has ended is not carried out', () => {
  const locks = new TestLocks()
  locks.open('A/s')
  locks.expire('s')
  equal(locks.acquire('A/s', 'r', { identity: identity('s#1') }), 'session_lost')
  equal(locks.acquire('A', 'r', { identity: identity('s#1') }), 'session_lost')
  equal(locks.machine.state.resources.size, 0)
})

test('decision L2: an answer is kept until the client has seen it, and its command is not carried out later either', () => {
  const locks = new TestLocks()
  locks.open('A/s')
  locks.acquire('A/s', 'p', { identity: identity('s#1') })
  locks.acquire('A/s', 'q', { identity: identity('s#2', 1) })
  locks.release('A/s', 'p')
  equal(locks.acquire('A/s', 'p', { identity: identity('s#1') }), 'already_answered')
  equal(locks.show('p'), '|')
})

test('decision L2: a replica that began with a snapshot carries nothing out twice', () => {
  const locks = new TestLocks()
  locks.open('A/s')
  locks.openNode('n')
  locks.acquire('A/s', 'p', { identity: identity('s#1') })
  locks.acquire('A/s', 'q', { identity: identity('s#2', 1) })
  locks.acquire('B', 'r', { identity: identity('n#1') })
  for (const [who, what] of [
    ['A/s', 'p'],
    ['A/s', 'q'],
    ['B', 'r'],
  ] as const)
    locks.release(who, what)
  equal(locks.machine.restore(locks.snapshot()), null)
  equal(locks.acquire('A/s', 'p', { identity: identity('s#1') }), 'already_answered')
  equal(locks.acquire('A/s', 'q', { identity: identity('s#2', 1) }), 'granted 2', 'the answer of then')
  equal(locks.acquire('B', 'r', { identity: identity('n#1') }), 'granted 3', 'the answer of then')
  equal(locks.machine.state.resources.size, 0)
})

test('decision L3: when the time of a wait is over, the place of the cancellation in the log decides', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  locks.acquire('A', 'r')
  locks.acquire('B', 'r', { waitMs: 1_000, identity: identity('n#1') })
  locks.acquire('C', 'r', { waitMs: 1_000, identity: identity('n#2') })
  locks.release('A', 'r')
  equal(locks.cancel('n#1', 'keep'), 'granted 2', 'the client is there: it has the lock')
  equal(locks.cancel('n#2', 'keep'), 'cancelled', 'it left the queue')
  equal(locks.show('r'), 'B |')
})

test('decision L3: who hangs up while it waits for an upgrade does not lose the lock that it was told of before', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  locks.acquire('A', 'r:s', { identity: identity('n#1') })
  locks.acquire('B', 'r:s')
  equal(locks.acquire('A', 'r', { waitMs: 5_000, identity: identity('n#2') }), 'queued 1')
  equal(locks.release('B', 'r'), 'released A=3')
  locks.acquire('B', 'r')
  equal(locks.cancel('n#2'), 'granted 3')
  equal(locks.show('r'), 'A | B', 'it may be at work under the lock that it had shared')
})

test('decision L3: a lock granted to a client that is gone is released in the entry that says so', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  locks.acquire('A', 'r')
  locks.acquire('B', 'r', { waitMs: 1_000, identity: identity('n#1') })
  locks.acquire('C', 'r')
  locks.release('A', 'r')
  equal(locks.cancel('n#1', 'release'), 'cancelled')
  equal(locks.show('r'), 'C |')
  equal(locks.cancel('n#1', 'release'), 'cancelled')
})

test('decision L3: a client that came back by another node keeps the lock that the first one gives up for it', () => {
  const locks = new TestLocks()
  for (const node of ['n', 'm']) locks.openNode(node)
  locks.acquire('A', 'r')
  locks.acquire('B', 'r', { waitMs: 9_000, identity: identity('n#1') })
  equal(locks.acquire('B', 'r', { waitMs: 9_000, identity: identity('m#1') }), 'queued 1')
  deepEqual(locks.settled, ['n#1 superseded'])
  equal(locks.cancel('n#1'), 'superseded')
  locks.release('A', 'r')
  deepEqual(locks.settled, ['m#1 granted 2'])
  locks.acquire('B', 'r', { identity: identity('n#2') })
  equal(locks.cancel('m#1'), 'granted 2')
  equal(locks.show('r'), 'B |')
})

test('decision L3: a cancellation that overtakes its request prevents it', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  equal(locks.cancel('n#1'), 'cancelled')
  equal(locks.acquire('B', 'r', { waitMs: 1_000, identity: identity('n#1') }), 'cancelled')
  equal(locks.show('r'), '|')
})

test('decision L3: a wait ends by machine time even if the node that asked for it is dead', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  locks.acquire('A', 'r:s')
  locks.acquire('B', 'r', { waitMs: 1_000, identity: identity('n#1') })
  locks.acquire('C', 'r:s')
  equal(locks.pass(1_000), 'ended 1')
  deepEqual(locks.settled, ['n#1 timed-out'])
  equal(locks.show('r'), 'A:s C:s |', 'those behind go on')
})

test('decision L3: the waits that are parked at a node end with its session, and none of them is granted', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  locks.acquire('A', 'r')
  for (const [at, client] of ['B', 'C', 'D'].entries()) locks.acquire(client, 'r', { waitMs: 60_000, identity: identity(`n#${at + 1}`) })
  locks.acquire('E', 'r', { identity: identity('n#4') })
  equal(locks.expire('n'), 'ended 1')
  equal(locks.show('r'), 'A | E', 'a wait in the background does not need the node')
})

test('decision L3: a background wait lives for its own ttl since it was last sent, and a grant starts a full lease', () => {
  const locks = new TestLocks()
  equal(locks.acquire('A', 'r', { ttlMs: 0 }), 'granted 1')
  locks.acquire('B', 'r', { ttlMs: 1_000 })
  locks.acquire('C', 'r', { ttlMs: 1_000 })
  locks.time = 900
  equal(locks.acquire('C', 'r', { ttlMs: 1_000 }), 'queued 2')
  equal(locks.acquire('B', 'r', { waitMs: 0 }), 'queued 1', 'to look is not to ask again')
  equal(locks.pass(0), 'ended 0')
  locks.pass(200)
  equal(locks.show('r'), 'A | C')
  locks.release('A', 'r')
  equal(locks.pass(999), 'ended 0')
  equal(locks.pass(1), 'ended 1')
})

test('decision L3: a background wait without a session needs a ttl, and one with a session lives as long', () => {
  const locks = new TestLocks()
  locks.open('B/s')
  locks.acquire('A', 'r', { ttlMs: 0 })
  equal(locks.acquire('B', 'r', { ttlMs: 0 }), 'invalid')
  equal(locks.acquire('B/s', 'r', { ttlMs: 0 }), 'queued 1')
  equal(locks.acquire('C', 'r', { ttlMs: 1_000 }), 'queued 2')
  equal(locks.acquire('C', 'r', { ttlMs: 0 }), 'invalid', 'nor does it get rid of the one it has')
  locks.pass(1e9)
  equal(locks.show('r'), 'A | B')
})

test('decision L4: a reader does not pass a writer to break a cycle; the request that closes it is refused', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r1:s')
  locks.acquire('C', 'r2')
  locks.acquire('B', 'r1')
  locks.acquire('A', 'r2')
  equal(locks.acquire('C', 'r1:s'), 'deadlock C>B>A')
  equal(locks.show('r1'), 'A:s | B')
})

test('decision L5: a victim loses its wait and keeps its locks', () => {
  const locks = new TestLocks()
  locks.configure('fewest-locks')
  locks.acquire('A', 'a')
  for (const name of ['b', 'c']) locks.acquire('B', name)
  locks.acquire('A', 'b')
  equal(locks.acquire('B', 'a'), 'queued 1')
  equal(locks.show('a'), 'A | B')
  equal(locks.acquire('A', 'b'), 'deadlock B>A', 'in the background it learns it when it asks again')
  equal(locks.release('A', 'a'), 'released B=4')
})

test('decision L5: the youngest of a cycle is the victim, until no cycle is left', () => {
  const locks = new TestLocks()
  locks.configure('youngest')
  for (const who of ['A/a', 'B/b', 'C/c']) locks.open(who)
  locks.acquire('B/b', 'b:s')
  locks.acquire('C/c', 'b:s')
  locks.acquire('A/a', 'a')
  locks.acquire('B/b', 'a', { identity: identity('b#1') })
  locks.acquire('C/c', 'a', { identity: identity('c#1') })
  equal(locks.acquire('A/a', 'b'), 'queued 1')
  deepEqual(locks.settled.toSorted(), ['b#1 deadlock A>B', 'c#1 deadlock A>C'])
  equal(locks.show('b'), 'B:s C:s | A')
})

test('decision L5: under wound-wait a younger holder is told and gets nothing more, but what it holds is its own until it gives it back', () => {
  const locks = new TestLocks()
  locks.configure('wound-wait')
  for (const who of ['old/o', 'young/y']) locks.open(who)
  locks.acquire('young/y', 'r')
  locks.acquire('young/y', 't:s')
  locks.acquire('other', 'q')
  locks.acquire('young/y', 'q', { identity: identity('y#1') })
  equal(locks.acquire('old/o', 'r'), 'queued 1')
  equal(locks.show('r'), 'young | old')
  equal(isWounded(locks.machine.state, clientId('young')), true)
  deepEqual(locks.settled, ['y#1 wounded'])
  equal(locks.acquire('young/y', 'p'), 'wounded')
  equal(locks.acquire('young/y', 't'), 'wounded')
  equal(locks.acquire('young/y', 'r'), 'granted 1')
  equal(locks.release('young/y', 'r'), 'released old=4')
  equal(locks.acquire('young/y', 'p'), 'wounded', 'it has not given back everything')
  locks.release('young/y', 't')
  equal(locks.acquire('young/y', 'p'), 'granted 5')
  equal(locks.acquire('young/y', 'r'), 'queued 1', 'the younger waits for the older')
})

test('decision L5: under wait-die only the older waits', () => {
  const locks = new TestLocks()
  locks.configure('wait-die')
  for (const who of ['old/o', 'young/y']) locks.open(who)
  locks.acquire('old/o', 'a')
  locks.acquire('young/y', 'b')
  equal(locks.acquire('young/y', 'a'), 'wait_die')
  equal(locks.acquire('old/o', 'b'), 'queued 1')
  equal(locks.acquire('nobody', 'b'), 'wait_die', 'who has neither session nor lock is younger than all')
})

test('decision L5: a force-release breaks exclusion, and the token shows it', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r')
  locks.acquire('B', 'r')
  locks.try({ type: 'force-release', resource: resourceName('r'), client: clientId('A') })
  deepEqual(checkToken(locks.machine.state, resourceName('r'), 1), { valid: false, reason: 'superseded' })
  deepEqual(checkToken(locks.machine.state, resourceName('r'), 2), { valid: true, reason: 'held' })
})

test('decision L6: grants of one entry have different tokens, and sessions that end together hand nothing to each other', () => {
  const locks = new TestLocks()
  for (const who of ['A/a', 'B/b', 'C/c', 'D/d']) locks.open(who)
  for (const who of ['A/a', 'B/b']) locks.acquire(who, 'r')
  for (const who of ['C/c', 'D/d']) locks.acquire(who, 'r:s')
  locks.expire('a', 'b')
  equal(locks.show('r'), 'C:s D:s |')
  deepEqual(
    locks.events.flatMap((event) => (event.type === 'granted' ? event.grants.map(({ token }) => token) : [])),
    [2, 3],
  )
})

test('decision L6: a token is never given out again, though its resource was forgotten', () => {
  const locks = new TestLocks()
  for (let token = 1; token <= 3; token++) {
    equal(locks.acquire('A', 'r'), `granted ${token}`)
    locks.release('A', 'r')
  }
  equal(locks.acquire('A', 'other'), 'granted 4')
})

test('decision L6: tokens that may have been given by replicas which were given up are left out', () => {
  const locks = new TestLocks()
  equal(locks.acquire('A', 'r'), 'granted 1')
  equal(locks.try({ type: 'skip-tokens', count: 1_000 }), 'skipped 1001')
  equal(locks.acquire('A', 'other'), 'granted 1002')
  equal(locks.try({ type: 'skip-tokens', count: 0 }), 'invalid')
  equal(locks.try({ type: 'skip-tokens', count: 2 ** 41 }), 'invalid')
})

test('decision L6: tokens grow on in a replica that began with a snapshot', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r')
  locks.release('A', 'r')
  equal(locks.machine.restore(locks.snapshot()), null)
  equal(locks.acquire('A', 'other'), 'granted 2')
})

test('decision L6: an upgrade supersedes the readers that were before it', () => {
  const locks = new TestLocks()
  for (const who of ['A', 'B']) locks.acquire(who, 'r:s')
  locks.release('B', 'r')
  equal(locks.acquire('A', 'r'), 'granted 3')
  for (const token of [1, 2]) equal(checkToken(locks.machine.state, resourceName('r'), token).reason, 'superseded')
})

test('decision L6: a reader’s token is superseded by the next exclusive grant, not by another reader', () => {
  const locks = new TestLocks()
  const check = (token: number): string => checkToken(locks.machine.state, resourceName('r'), token).reason
  locks.acquire('A', 'r:s')
  locks.acquire('B', 'r:s')
  locks.release('A', 'r')
  deepEqual([check(1), check(2)], ['expired', 'held'])
  locks.acquire('C', 'r')
  locks.release('B', 'r')
  deepEqual([check(1), check(2), check(3)], ['superseded', 'superseded', 'held'])
  locks.release('C', 'r')
  equal(check(3), 'expired')
})

test('decision L7: a request for several is granted whole, has its place in every queue, and nobody passes it', () => {
  const locks = new TestLocks()
  locks.acquire('B', 'r2')
  equal(locks.acquire('A', 'r1 r2'), 'queued 1')
  equal(locks.show('r1'), '| A', 'free, and yet not passed')
  equal(locks.acquire('C', 'r1'), 'queued 2')
  equal(locks.release('B', 'r2'), 'released A=3')
  equal(locks.show('r1'), 'A | C')
  equal(locks.acquire('A', 'r1 r2'), 'granted 2 3')
  equal(locks.acquire('A', 'r1 r3'), 'conflicting_request')
})

test('decision L7: a request for several closes a cycle as any other does', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r1')
  locks.acquire('B', 'r2')
  locks.acquire('B', 'r1')
  equal(locks.acquire('A', 'r2 r3'), 'deadlock A>B')
  equal(locks.show('r3'), '|')
})

test('decision L7: who stands behind a request for several inherits what that waits for, readers too', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'a')
  locks.acquire('B', 'b')
  locks.acquire('M', 'b p:s')
  locks.acquire('A', 'p:s')
  equal(locks.acquire('B', 'a'), 'deadlock B>A>M')
})

test('decision L7: a queue that was looked at before is looked at again when a request for several leaves it', () => {
  const locks = new TestLocks()
  locks.open('H/h')
  for (const what of ['p', 'q']) locks.acquire('H/h', what)
  locks.acquire('W', 'q:s')
  locks.acquire('M', 'p:s q:s')
  locks.acquire('C', 'p:s')
  locks.expire('h')
  equal(locks.show('q'), 'W:s M:s |')
  equal(locks.show('p'), 'M:s C:s |')
})

test('decision L7: a scan of one queue looks at a request for several at its head, and goes on in the queues that it leaves', () => {
  const locks = new TestLocks()
  locks.acquire('X', 'p')
  locks.acquire('M', 'p q')
  locks.acquire('B', 'q')
  locks.release('M', 'p')
  equal(locks.show('q'), 'B |')
})

test('decision L9: a grant carries what is left of the lease when it is decided, for whoever counts from his request', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r', { ttlMs: 10_000 })
  locks.time = 4_000
  deepEqual(locks.do(acquireCommand('A', 'r', { ttlMs: 10_000 })), {
    type: 'granted',
    grants: [{ resource: 'r', mode: 'exclusive', token: 1 }],
    ttlMs: 6_000,
    expiresAt: 1_700_000_010_000,
  })
})

test('decision L9: of several leases the shortest is told', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'p q', { ttlMs: 10_000 })
  equal(locks.extend('A', 'p', 3_000), 'extended 1')
  const answer = locks.do(acquireCommand('A', 'p q'))
  equal(answer.type === 'granted' && answer.ttlMs, 3_000)
})

test('decision L9: an answer never tells more than is left', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r', { ttlMs: 1_000 })
  locks.time = 0.5
  const answer = locks.do(acquireCommand('A', 'r'))
  equal(answer.type === 'granted' && answer.ttlMs, 999)
})

test('decision L9: who has waited extends the lease, and has a full one from then on', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  locks.acquire('A', 'r')
  locks.acquire('B', 'r', { ttlMs: 1_000, waitMs: 60_000, identity: identity('n#1') })
  locks.release('A', 'r')
  locks.time = 900
  equal(locks.extend('B', 'r', 1_000), 'extended 2')
  equal(locks.pass(999), 'ended 0')
  equal(locks.pass(1), 'ended 1')
})

test('decision L9: a session lives for at least four election time-outs', () => {
  const locks = new TestLocks()
  equal(locks.open('A/s', { ttlMs: 3_999 }), 'invalid')
  equal(locks.open('A/s', { ttlMs: 4_000 }), 'session')
})

test('decision L10: a late copy of a release without a token does not meet a later grant', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r')
  const received = { type: 'as-of', index: locks.index } as const
  locks.release('A', 'r', received)
  locks.acquire('A', 'r')
  equal(locks.release('A', 'r', received), 'newer')
  equal(locks.release('A', 'r', 1), 'not_holder')
  locks.acquire('B', 'r')
  equal(locks.release('B', 'r', received), 'newer', 'nor a later wait')
  equal(locks.release('A', 'r', 2), 'released B=3')
})

test('decision L10: a replica that began with a snapshot still knows what a late release means', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r')
  const received = { type: 'as-of', index: locks.index } as const
  locks.release('A', 'r')
  locks.acquire('A', 'r')
  locks.acquire('B', 'r')
  equal(locks.machine.restore(locks.snapshot()), null)
  equal(locks.release('A', 'r', received), 'newer')
  equal(locks.release('B', 'r', received), 'newer')
  equal(locks.release('C', 'r', received), 'not_holder')
  equal(locks.show('r'), 'A | B')
})

test('decision L10: a command that a node forwards is taken once, however late its copies are', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  locks.acquire('A', 'r', { identity: identity('n#1') })
  locks.release('A', 'r')
  equal(locks.acquire('A', 'r', { identity: identity('n#1') }), 'granted 1', 'the answer of then')
  equal(locks.show('r'), '|')
})

test('decision L11: a lock that was lost leaves its resource closed, and a logged command opens it', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r', { ttlMs: 1_000, lockDelayMs: 500 })
  locks.acquire('B', 'r')
  locks.pass(1_000)
  equal(locks.show('r'), '| B')
  equal(locks.acquire('C', 'r', { waitMs: 0 }), 'timed-out')
  locks.pass(499)
  equal(locks.show('r'), '| B')
  locks.pass(1)
  equal(locks.show('r'), 'B |')
})

test('decision L11: the session’s lock delay holds for its locks when it expires, and no delay for what is given back', () => {
  const locks = new TestLocks()
  locks.open('A/s', { lockDelayMs: 500 })
  locks.acquire('A/s', 'p')
  locks.release('A/s', 'p')
  equal(locks.acquire('B', 'p'), 'granted 2')
  locks.acquire('A/s', 'q')
  locks.expire('s')
  equal(locks.acquire('B', 'q', { waitMs: 0 }), 'timed-out')
  locks.pass(500)
  equal(locks.acquire('B', 'q'), 'granted 4')
  locks.open('A/t', { lockDelayMs: 500 })
  locks.acquire('A/t', 'r')
  locks.close('t')
  equal(locks.acquire('B', 'r'), 'granted 6')
})

test('decision L11: of two delays the longer counts, whichever comes first', () => {
  for (const [first, second] of [
    [500, 100],
    [100, 500],
  ] as const) {
    const locks = new TestLocks()
    locks.acquire('A', 'r:s', { ttlMs: 1_000, lockDelayMs: first })
    locks.acquire('B', 'r:s', { ttlMs: 1_000, lockDelayMs: second })
    locks.acquire('C', 'r')
    equal(locks.pass(1_000), 'ended 2')
    for (const ms of [100, 399]) locks.pass(ms)
    equal(locks.show('r'), '| C')
    locks.pass(1)
    equal(locks.show('r'), 'C |')
  }
})

test('decision L11: while a resource is closed no reader that is left may upgrade', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r:s', { ttlMs: 1_000, lockDelayMs: 500 })
  locks.acquire('B', 'r:s')
  locks.pass(1_000)
  equal(locks.acquire('B', 'r'), 'queued 1')
  locks.pass(500)
  equal(locks.show('r'), 'B |')
})

test('decision L11: a closed resource that nobody waits for is forgotten when it opens', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r', { ttlMs: 1_000, lockDelayMs: 500 })
  locks.pass(1_000)
  equal(locks.machine.state.resources.size, 1)
  locks.pass(500)
  equal(locks.machine.state.resources.size, 0)
})
