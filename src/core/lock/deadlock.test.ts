import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { acquireCommand, TestLocks } from './testkit.ts'
import type { LockAnswer } from './types.ts'

/** Each client holds the resource of its own name. */
function holding(...clients: string[]): TestLocks {
  const locks = new TestLocks()
  for (const client of clients) locks.acquire(client, client.toLowerCase())
  return locks
}

const hopsOf = (answer: LockAnswer): string[] =>
  answer.type === 'deadlock' ? answer.cycle.map(({ client, resource, behind }) => `${client} waits at ${resource} for a ${behind}`) : []

test('defect 2: A waits for B and B for A is answered at once with the cycle, and the second request is not queued', () => {
  const locks = holding('A', 'B')
  equal(locks.acquire('A', 'b'), 'queued 1')
  const answer = locks.do(acquireCommand('B', 'a'))
  deepEqual(hopsOf(answer), ['B waits at a for a holder', 'A waits at b for a holder'])
  equal(locks.show('a'), 'A |')
  equal(locks.release('B', 'b'), 'released A=3')
})

test('a cycle of three clients is found', () => {
  const locks = holding('A', 'B', 'C')
  locks.acquire('A', 'b')
  locks.acquire('B', 'c')
  equal(locks.acquire('C', 'a'), 'deadlock C>A>B')
})

test('two upgrades of one shared lock are a deadlock, and the second is refused', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'r:s')
  locks.acquire('B', 'r:s')
  equal(locks.acquire('A', 'r'), 'queued 1')
  equal(locks.acquire('B', 'r'), 'deadlock B>A')
  equal(locks.release('B', 'r'), 'released A=3')
  equal(locks.show('r'), 'A |')
})

test('a reader and a writer that wait for each other across two resources are a deadlock', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'p:s')
  locks.acquire('B', 'q:s')
  equal(locks.acquire('A', 'q'), 'queued 1')
  equal(locks.acquire('B', 'p'), 'deadlock B>A')
  equal(locks.acquire('B', 'p:s'), 'granted 3')
})

test('a place in a queue blocks as a lock does: a graph of holders alone would miss this cycle', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'p:s')
  locks.acquire('B', 'q')
  locks.acquire('C', 'p')
  locks.acquire('C', 'r')
  locks.acquire('B', 'r')
  const answer = locks.do(acquireCommand('A', 'q'))
  deepEqual(hopsOf(answer), ['A waits at q for a holder', 'B waits at r for a holder', 'C waits at p for a holder'])
  const soft = new TestLocks()
  soft.acquire('A', 'p:s')
  soft.acquire('B', 'p')
  soft.acquire('C', 'q')
  soft.acquire('B', 'q')
  deepEqual(hopsOf(soft.do(acquireCommand('C', 'p:s'))), ['C waits at p for a waiter', 'B waits at q for a holder'])
})

test('a queue that was looked through for a reader is looked through again for a writer', () => {
  const locks = new TestLocks()
  locks.acquire('H', 'q')
  locks.acquire('T', 't')
  for (const who of ['Y', 'Z']) locks.acquire(who, 'm:s')
  for (const what of ['q:s', 't']) locks.acquire('X', what)
  locks.acquire('Y', 'q:s')
  locks.acquire('Z', 'q')
  equal(locks.show('q'), 'H | X:s Y:s Z')
  equal(locks.acquire('T', 'm'), 'deadlock T>Z>X')
})

test('who waits elsewhere too is not passed over in a long queue', () => {
  const locks = new TestLocks()
  locks.acquire('H', 'q')
  locks.acquire('T', 't')
  locks.acquire('Z', 'm')
  for (const what of ['q', 't']) locks.acquire('X', what)
  locks.acquire('Z', 'q')
  equal(locks.acquire('T', 'm'), 'deadlock T>Z>X')
})

test('a client that holds nothing may close a cycle, by its place in another queue', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'p')
  locks.acquire('C', 'q')
  locks.acquire('B', 'p')
  locks.acquire('C', 'p')
  equal(locks.acquire('B', 'q'), 'deadlock B>C')
})

test('an upgrade that can be granted at once may close a cycle, by being in the way of those who wait for something else too', () => {
  const locks = new TestLocks()
  locks.acquire('A', 'p')
  locks.acquire('D', 's')
  locks.acquire('B', 'r:s')
  locks.acquire('B', 's')
  locks.acquire('D', 'p r:s')
  const answer = locks.do(acquireCommand('B', 'r'))
  deepEqual(hopsOf(answer), ['B waits at s for a holder', 'D waits at r for a waiter'])
  equal(locks.show('r'), 'B:s | D:s')
})

test('two sessions of one client are one party: the second cannot wait for the first', () => {
  const locks = new TestLocks()
  for (const who of ['A/s', 'A/t']) locks.open(who)
  locks.acquire('A/s', 'r')
  equal(locks.acquire('A/t', 'r'), 'deadlock A')
  equal(locks.acquire('A/t', 'r', { waitMs: 0 }), 'timed-out')
})

test('a request that a cycle was refused to may be made again when the cycle is gone', () => {
  const locks = holding('A', 'B')
  locks.acquire('A', 'b')
  equal(locks.acquire('B', 'a'), 'deadlock B>A')
  locks.release('A', 'b')
  equal(locks.acquire('B', 'a'), 'queued 1')
})

test('a long cycle is told in part, with its length, and only the last few deadlocks are kept', () => {
  const clients = Array.from({ length: 10 }, (_, at) => `C${at}`)
  const locks = new TestLocks({ hopsMax: 4, deadlocksKept: 2 })
  for (const client of clients) locks.acquire(client, client.toLowerCase())
  for (let at = 0; at < 9; at++) locks.acquire(`C${at}`, `c${at + 1}`)
  for (let times = 0; times < 3; times++) {
    const answer = locks.do(acquireCommand('C9', 'c0'))
    deepEqual(answer.type === 'deadlock' && [answer.cycle.length, answer.length], [4, 10])
  }
  deepEqual(
    locks.machine.state.deadlocks.map(({ index, victim }) => `${index} ${victim}`),
    ['21 C9', '22 C9'],
  )
  equal(locks.machine.state.deadlocksFound, 3)
})
