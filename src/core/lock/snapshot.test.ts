import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { Prng } from '#base/prng.ts'
import { crc32 } from '#base/codec/checksum.ts'
import { waitsOf } from './links.ts'
import { LockMachine } from './machine.ts'
import type { Resource, Session, SessionAttempt, Wait } from './records.ts'
import { itemsOf, refOf } from './reports.ts'
import type { LockState } from './state.ts'
import { acquireCommand, concat, identity, TestLocks } from './testkit.ts'

/** One of everything that a snapshot holds. */
function everything(): TestLocks {
  const locks = new TestLocks()
  locks.configure('youngest')
  locks.open('A/a', { lockDelayMs: 100 })
  locks.open('B/b')
  locks.openNode('n')
  locks.acquire('A/a', 'x', { identity: identity('a#1') })
  locks.acquire('B/b', 'y', { ttlMs: 0 })
  locks.acquire('B/b', 'x', { identity: identity('b#1') })
  locks.acquire('A/a', 'y')
  locks.acquire('C', 'r:s')
  locks.acquire('D', 'r:s')
  locks.acquire('C', 'r', { waitMs: 5_000, identity: identity('n#1') })
  locks.acquire('E', 'r z', { lockDelayMs: 20 })
  locks.acquire('F', 'f', { ttlMs: 10, lockDelayMs: 1_000 })
  locks.pass(10)
  locks.configure('requester')
  locks.acquire('G', 'g')
  locks.acquire('H', 'h')
  locks.acquire('G', 'h')
  locks.acquire('H', 'g')
  locks.acquire('A/a', 'w', { identity: identity('a#3', 1) })
  return locks
}

const attemptOf = (attempt: SessionAttempt | null): string | null => attempt && `${attempt.session.id}#${attempt.sequence}`

/** All that replicas must agree on, read off the records themselves. */
function describe({ resources, clients, sessions, verdicts, deadlocks, ...rest }: LockState): unknown {
  const { token, waitNumber, deadlocksFound, mode, time, wall, held, waiting } = rest
  const holdsOf = ({ firstHold }: Resource): unknown[] => {
    const holds: unknown[] = []
    for (let hold = firstHold; hold !== null; hold = hold.after) {
      const { index, lockDelayMs, lease, attempt } = hold
      holds.push([refOf(hold.owner), hold.mode, hold.token, index, lockDelayMs, lease?.at, attemptOf(attempt)])
    }
    return holds
  }
  const waitOf = (wait: Wait): unknown => {
    const { number, index, owner, upgrade, ttlMs, lockDelayMs, deadline, attempt } = wait
    return [number, index, refOf(owner), itemsOf(wait), upgrade, ttlMs, lockDelayMs, deadline?.at, attemptOf(attempt)]
  }
  const sessionOf = (session: Session): unknown => {
    const { type, id, ttlMs, index, outcomes } = session
    const more = session.type === 'node' ? session.node : [session.owner.client.id, session.lockDelayMs]
    return [type, id, ttlMs, index, more, [...outcomes.answers()], [...outcomes.pending.keys()], outcomes.confirmed, outcomes.floor]
  }
  const sorted = [...clients.values()].toSorted((left, right) => (left.id < right.id ? -1 : 1))
  return {
    counts: { token, waitNumber, deadlocksFound, mode, time, wall, held, waiting },
    resources: [...resources.values()].map((each) => [each.name, each.lastExclusive, each.closure?.at, each.closure?.id, holdsOf(each)]),
    clients: sorted.map((client) => [client.id, client.wounded, client.held, client.wanted, waitsOf(client).map(waitOf)]),
    sessions: [...sessions.values()].map(sessionOf),
    verdicts: [...verdicts].map(({ number, owner, items, answer, deadline }) => [number, refOf(owner), items, answer, deadline?.at]),
    deadlocks,
  }
}

const restored = (bytes: Uint8Array): string | null => new LockMachine().restore(bytes)

function withChecksum(bytes: Uint8Array): Uint8Array {
  const whole = bytes.slice()
  new DataView(whole.buffer).setUint32(whole.length - 4, crc32(whole.subarray(0, -4)))
  return whole
}

test('a restored machine has the same snapshot and goes on the same', () => {
  const locks = everything()
  const bytes = locks.snapshot()
  equal(locks.machine.restore(bytes), null)
  deepEqual(locks.snapshot(), bytes)
  equal(locks.release('A', 'x'), 'released')
  equal(locks.release('D', 'r'), 'released C=9')
})

test('a restored state is the same, field by field', () => {
  const locks = everything()
  const restoredOne = new LockMachine()
  equal(restoredOne.restore(locks.snapshot()), null)
  deepEqual(describe(restoredOne.state), describe(locks.machine.state))
})

test('a restored machine knows who is wounded', () => {
  const locks = new TestLocks()
  locks.configure('wound-wait')
  for (const who of ['old/o', 'young/y']) locks.open(who)
  locks.acquire('young/y', 'r')
  locks.acquire('old/o', 'r')
  equal(locks.machine.restore(locks.snapshot()), null)
  equal(locks.acquire('young/y', 'p'), 'wounded')
})

test('waits end in the order of their numbers with the node they are parked at, also where they were asked for again', () => {
  const locks = new TestLocks()
  locks.openNode('n')
  locks.acquire('A', 'r')
  locks.acquire('B', 'r', { waitMs: 5_000, identity: identity('n#1') })
  locks.acquire('C', 'r', { waitMs: 5_000, identity: identity('n#2') })
  locks.acquire('B', 'r', { waitMs: 5_000, identity: identity('n#3') })
  const late = new LockMachine()
  equal(late.restore(locks.snapshot()), null)
  locks.expire('n')
  const entry = locks.log.at(-1)
  deepEqual(entry && late.execute(entry.command, entry.context).events, locks.events)
})

test('a snapshot that lost its end or a single bit is refused with a reason', () => {
  const bytes = everything().snapshot()
  for (let length = 0; length < bytes.length; length++) notEqual(restored(bytes.subarray(0, length)), null)
  for (let at = 0; at < bytes.length; at++) {
    const damaged = bytes.slice()
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
    notEqual(restored(damaged), null)
  }
})

test('a refused snapshot leaves the machine as it was', () => {
  const locks = everything()
  const bytes = locks.snapshot()
  equal(locks.machine.restore(bytes.subarray(1)), 'not a snapshot of locks')
  deepEqual(locks.snapshot(), bytes)
})

test('a snapshot of a format that this build does not know is refused', () => {
  const bytes = everything().snapshot()
  bytes[4] = 99
  equal(restored(withChecksum(bytes)), 'format 99, which this build does not know')
})

test('records that do not fit together are refused or taken, but never end the process', () => {
  const bytes = everything().snapshot()
  const prng = new Prng(1)
  const reasons = new Set<string>()
  for (let round = 0; round < 20_000; round++) {
    const damaged = bytes.slice()
    for (let faults = prng.between(1, 3); faults > 0; faults--) damaged[prng.between(5, bytes.length - 5)] = prng.between(0, 255)
    const reason = restored(withChecksum(damaged))
    if (reason !== null) reasons.add(reason)
  }
  ok(reasons.size > 12, [...reasons].join('; '))
})

test('a snapshot of any size comes in small pieces', () => {
  const locks = new LockMachine()
  // Without the checks of the test kit, which look at all of it after every command.
  const fill = new LockMachine()
  for (let at = 0; at < 300; at++) {
    const resources = Array.from({ length: 20 }, (_, part) => `resource-${at}-${part}:s`)
    fill.execute(acquireCommand(`client-${at}`, resources.join(' ')), { index: at + 1, term: 1, time: millis(0), wall: wallMillis(0) })
  }
  const pieces = [...fill.snapshot()]
  ok(pieces.length > 3)
  ok(Math.max(...pieces.map(({ length }) => length)) < 20_000)
  equal(locks.restore(concat(pieces)), null)
})

test('a request that waits is restored also when its session has confirmed more than it has seen', () => {
  const locks = new TestLocks()
  for (const who of ['A/a', 'B/b']) locks.open(who)
  locks.acquire('B/b', 'r')
  equal(locks.acquire('A/a', 'r', { identity: identity('a#1') }), 'queued 1')
  locks.acquire('A/a', 'other', { identity: identity('a#3', 2) })
  const machine = new LockMachine()
  equal(machine.restore(locks.snapshot()), null)
  equal(machine.state.waiting, 1)
})
