import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { encodeCommand } from './command-codec.ts'
import { QueueMachine } from './machine.ts'
import { formatMessageId, parseMessageId } from './message-id.ts'
import { transfersDue, viewPartition } from './queries.ts'
import { identity, queueOf, TestQueues } from './testkit.ts'
import { definitionOf, message } from './testkit-samples.ts'
import type { QueueSettings } from './types.ts'
import { consumerId, queueName } from './types.ts'

/** Queue 1 with these settings. */
function withQueue(settings: Partial<QueueSettings> = {}): TestQueues {
  const queues = new TestQueues()
  queues.configure(settings)
  return queues
}

const live = (queues: TestQueues): string => [...queues.machine.live()].map(({ from, to }) => `${from}-${to}`).join(' ')
const dead = (queues: TestQueues): string =>
  queues.machine
    .deadBodies()
    .map(({ from, to }) => `${from}-${to}`)
    .join(' ')

test('decision Q1: an entry is live until the last of its messages is settled, and is told to be dead then', () => {
  const queues = withQueue()
  queues.produce('a b')
  queues.produce('c')
  equal(live(queues), '2-3')
  queues.consume(3)
  equal(live(queues), '2-3', 'a lease settles nothing')
  queues.ack('a1')
  equal(live(queues), '2-3')
  equal(dead(queues), '')
  queues.ack('b1')
  equal(live(queues), '3-3')
  equal(dead(queues), '2-2')
  queues.ack('c1')
  equal(live(queues), '')
  equal(dead(queues), '2-3')
  queues.machine.bodiesDropped()
  equal(dead(queues), '')
})

test('decision Q1: what is live is told within bounds, over all partitions, and by a replica that began with a snapshot', () => {
  const queues = withQueue()
  for (const [body, partition] of [
    ['a', 0],
    ['b', 1],
    ['c', 0],
    ['d', 2],
    ['e', 1],
  ] as const)
    queues.produce(body, {}, queueOf(1, partition))
  queues.consume(1, { queue: queueOf(1, 2) })
  queues.ack('d1')
  const ranges = (from?: number, to?: number): unknown => [...queues.machine.live(from, to)]
  deepEqual(ranges(), [
    { from: 2, to: 4 },
    { from: 6, to: 6 },
  ])
  deepEqual(ranges(3, 4), [{ from: 3, to: 4 }])
  deepEqual(ranges(5, 5), [])
  queues.restart()
  deepEqual(ranges(), [
    { from: 2, to: 4 },
    { from: 6, to: 6 },
  ])
  equal(dead(queues), '', 'what was dead at the snapshot was told before')
})

test('decision Q5: an id that another message had under the same place means nothing', () => {
  const queues = withQueue()
  queues.produce('a')
  const late = queues.id('a')
  const again = withQueue()
  again.produce('b')
  equal(again.consume(), 'b1')
  const other = again.id('b')
  deepEqual([other.index, other.offset, other.slot], [late.index, late.offset, late.slot])
  notEqual(other.check, late.check)
  equal(again.try({ type: 'ack', receipts: [{ id: late, lease: null }] }), 'unknown_message')
  equal(again.try({ type: 'ack', receipts: [{ id: { ...other, slot: 8 }, lease: null }] }), 'unknown_message')
  equal(again.try({ type: 'cancel', ids: [late] }), 'unknown_message')
  equal(again.ack('b'), 'acknowledged')
})

test('decision Q5: the same entry has other ids in another term and in another cluster', () => {
  const checkIn = (clusterId: string, term: number): number => {
    const machine = new QueueMachine({ ...identity, clusterId })
    const context = { index: 1, term, time: millis(0), wall: wallMillis(0) }
    machine.apply(encodeCommand({ type: 'configure', queue: definitionOf('q', 1), catalogueVersion: 1 }), context)
    const { answer } = machine.apply(
      encodeCommand({ type: 'produce', queue: queueOf(), producer: null, messages: [message('a')] }),
      context,
    )
    ok(answer.type === 'produced')
    return answer.first.check
  }
  equal(new Set([checkIn('a', 1), checkIn('a', 2), checkIn('b', 1)]).size, 3)
  equal(checkIn('a', 1), checkIn('a', 1))
})

test('decision Q5: ids are given out when the entry is applied, and lead back to their message', () => {
  const queues = withQueue()
  queues.produce('a b c')
  equal(queues.consume(3), 'a1 b1 c1')
  const id = parseMessageId(formatMessageId(queues.id('b')))
  deepEqual(id, { ...queues.id('a'), offset: 1 })
  equal(id?.index, 2)
})

test('decision Q6: a batch is taken once, whichever node brings it again', () => {
  const queues = withQueue()
  equal(queues.produceAs('p#1', 'a b'), 'enqueued enqueued')
  const first = queues.answer
  equal(queues.produceAs('p#2', 'c'), 'enqueued')
  equal(queues.produceAs('p#1', 'a b'), 'enqueued enqueued')
  deepEqual(queues.answer, first, 'the ids of then')
  equal(queues.show(), 'a:ready b:ready c:ready')
})

test('decision Q6: a batch after one that is missing is refused with what is expected, so order is kept', () => {
  const queues = withQueue()
  equal(queues.produceAs('p#1', 'a'), 'enqueued')
  equal(queues.produceAs('p#3', 'c'), 'out_of_sequence 2')
  equal(queues.produceAs('p#2', 'b'), 'enqueued')
  equal(queues.produceAs('p#3', 'c'), 'enqueued')
  equal(queues.peek(), 'a b c')
})

test('decision Q6: only the last few answers are kept, and a retry of an older batch is not carried out', () => {
  const queues = new TestQueues({ answersKept: 2 })
  queues.configure()
  for (const at of [1, 2, 3]) queues.produceAs(`p#${at}`, `m${at}`)
  equal(queues.produceAs('p#1', 'm1'), 'already_answered')
  equal(queues.produceAs('p#2', 'm2'), 'enqueued')
  equal(queues.produceAs('p#3', 'm3'), 'enqueued')
  equal(viewPartition(queues.machine.state, queueOf())?.ready, 3)
})

test('decision Q6: large answers are kept only as far as their bytes allow, but the last one always', () => {
  const queues = new TestQueues({ answerBytesKept: 10 })
  queues.configure()
  for (const at of [1, 2]) queues.produceAs(`p#${at}`, `m${at}`)
  equal(queues.produceAs('p#1', 'm1'), 'already_answered')
  equal(queues.produceAs('p#2', 'm2'), 'enqueued')
})

test('decision Q6: an idle producer is forgotten after a while, and its next batch is refused rather than taken for its first', () => {
  const queues = new TestQueues({ producerIdleMs: 1_000 })
  queues.configure()
  queues.produceAs('p#1', 'a')
  queues.time += 999
  equal(queues.produceAs('p#1', 'a'), 'enqueued', 'asking again is use')
  queues.time += 999
  equal(queues.produceAs('p#2', 'b'), 'enqueued')
  queues.time += 1_000
  equal(queues.produceAs('p#3', 'c'), 'unknown_producer')
  equal(queues.produceAs('p#1', 'd'), 'enqueued')
})

test('decision Q6: a full house of producers refuses new ones, and forgets none that is not idle', () => {
  const queues = new TestQueues({ producersMax: 1, producerIdleMs: 1_000 })
  queues.configure()
  equal(queues.produceAs('p#1', 'a'), 'enqueued')
  equal(queues.produceAs('q#1', 'b', queueOf(1, 1)), 'too_many_producers')
  equal(queues.produceAs('p#1', 'a'), 'enqueued')
  queues.time += 1_000
  equal(queues.produceAs('q#1', 'b', queueOf(1, 1)), 'enqueued')
})

test('decision Q6: each partition counts the batches of a producer for itself', () => {
  const queues = withQueue()
  equal(queues.produceAs('p#1', 'a', queueOf(1, 0)), 'enqueued')
  equal(queues.produceAs('p#1', 'b', queueOf(1, 1)), 'enqueued')
  equal(queues.show(queueOf(1, 1)), 'b:ready')
})

test('decision Q6: the window of dedupe ids is bounded by count and by bytes, and says so', () => {
  for (const limits of [{ dedupeIdsMax: 2 }, { dedupeBytesMax: 5 }]) {
    const queues = new TestQueues(limits)
    queues.configure({ dedupeWindowMs: 1_000 })
    equal(queues.produce('a', { dedupeId: 'id1' }), 'enqueued')
    equal(queues.produce('b', { dedupeId: 'i2' }), 'enqueued')
    equal(queues.produce('c', { dedupeId: 'i3' }, queueOf(1, 1)), 'dedupe_full')
    equal(queues.produce('a', { dedupeId: 'id1' }), 'duplicate')
    equal(queues.produce('d'), 'enqueued', 'who needs no window is not refused')
    queues.time += 1_000
    equal(queues.produce('c', { dedupeId: 'i3' }, queueOf(1, 1)), 'enqueued', 'windows of other partitions make room when they are over')
  }
})

test('decision Q6: producers and windows survive a snapshot', () => {
  const queues = withQueue()
  queues.produceAs('p#1', 'a')
  const { answer } = queues
  queues.produce('b', { dedupeId: 'x' })
  queues.restart()
  queues.produceAs('p#1', 'a')
  deepEqual(queues.answer, answer)
  equal(queues.produceAs('p#3', 'c'), 'out_of_sequence 2')
  equal(queues.produce('b', { dedupeId: 'x' }), 'duplicate')
})

/** Messages a and b of one key; a was lost by one consumer and is at work with another. */
function leasedTwice(): TestQueues {
  const queues = withQueue({ visibilityMs: 1_000 })
  queues.produce('a b', { key: 'k' })
  queues.consume(1, { by: 'c1' })
  queues.pass(1_000)
  equal(queues.consume(1, { by: 'c2' }), 'a2')
  return queues
}

test('decision Q7: an ack that may be of an older lease settles the message, and its key stays closed until the newest is over', () => {
  const queues = leasedTwice()
  equal(queues.ack('a'), 'acknowledged')
  equal(queues.show(), 'b:ready', 'it is settled')
  equal(queues.consume(5, { by: 'c3' }), '', 'but the second consumer is at work on it')
  equal(viewPartition(queues.machine.state, queueOf())?.inFlight, 1)
  equal(queues.ack('a2'), 'acknowledged')
  equal(queues.consume(5, { by: 'c3' }), 'b1')
})

test('decision Q7: the key opens also when the newest lease is given back or runs out', () => {
  for (const end of [
    (queues: TestQueues) => queues.release('a2'),
    (queues: TestQueues) => queues.fail('a2'),
    (queues: TestQueues) => queues.reject('a2'),
    (queues: TestQueues) => queues.extend('a2', 0),
    (queues: TestQueues) => queues.pass(1_000),
    (queues: TestQueues) => queues.try({ type: 'release-consumer', consumer: consumerId('c2') }),
  ]) {
    const queues = leasedTwice()
    queues.ack('a')
    end(queues)
    equal(queues.show(), 'b:ready', 'what is settled does not come back')
    equal(queues.consume(5), 'b1')
  }
})

test('decision Q7: who is at work may go on after somebody else’s ack, and the key stays closed for it', () => {
  const queues = leasedTwice()
  queues.ack('a')
  equal(queues.extend('a2', 5_000), 'extended')
  queues.pass(4_999)
  equal(queues.consume(), '')
  queues.pass(1)
  equal(queues.consume(), 'b1')
})

test('decision Q7: an ack of the newest lease, or of the only one there was, opens the key at once', () => {
  const queues = leasedTwice()
  equal(queues.ack('a2'), 'acknowledged')
  equal(queues.consume(), 'b1')
  equal(queues.ack('b'), 'acknowledged')
  equal(viewPartition(queues.machine.state, queueOf())?.inFlight, 0)
})

test('decision Q7: a key that is closed for a settled message is closed in a replica that began with a snapshot', () => {
  const queues = leasedTwice()
  queues.ack('a')
  queues.restart()
  equal(queues.show(), 'b:ready')
  equal(queues.consume(), '')
  queues.pass(1_000)
  equal(queues.consume(), 'b1')
})

test('decision Q8: priority and delay do not break the order of a key; its place is that of its first', () => {
  const queues = withQueue()
  queues.send([
    message('a', { key: 'k', priority: 1 }),
    message('b', { key: 'k', priority: 9 }),
    message('c', { priority: 5 }),
    message('d', { key: 'l', delay: { type: 'after', ms: 100 } }),
    message('e', { key: 'l', priority: 9 }),
  ])
  equal(queues.peek(), 'c a', 'b waits behind a, and e for d')
  equal(queues.consume(5), 'c1 a1')
  queues.ack('a1')
  equal(queues.consume(5), 'b1')
  queues.pass(100)
  equal(queues.consume(5), 'd1')
  queues.ack('d1')
  equal(queues.consume(5), 'e1')
})

test('decision Q8: the limit of length is exact and of each partition, and no leased message is dropped for it', () => {
  const queues = withQueue({ maxLength: 2, overflow: 'drop-head' })
  queues.produce('a b')
  equal(queues.consume(), 'a1')
  equal(queues.produce('c'), 'enqueued')
  equal(queues.show(), 'a:leased c:ready', 'b was the oldest that is not leased')
  equal(queues.consume(), 'c1')
  equal(queues.produce('d'), 'queue_full', 'there is nothing to drop')
  equal(queues.produce('e f g', {}, queueOf(1, 1)), 'enqueued enqueued enqueued')
  equal(queues.show(queueOf(1, 1)), 'f:ready g:ready')
})

test('decision Q8: a queue has the partitions that it was created with, whatever its settings say later', () => {
  const queues = withQueue()
  const queue = { ...definitionOf('queue-1', 1, {}, 50), partitions: 9 }
  queues.try({ type: 'configure', queue, catalogueVersion: 50 })
  equal(queues.produce('a', {}, queueOf(1, 4)), 'invalid partition')
  equal(queues.produce('a', {}, queueOf(1, 3)), 'enqueued')
})

test('decision Q9: a slot that does not know a generation asks first', () => {
  const queues = new TestQueues()
  equal(queues.produce('a'), 'unknown_queue')
  equal(queues.consume(), 'unknown_queue')
  equal(queues.purge(), 'unknown_queue')
  equal(queues.redrive(), 'unknown_queue')
  queues.configure()
  equal(queues.produce('a'), 'enqueued')
})

test('decision Q9: a late delete of a queue does not touch the one that has its name now', () => {
  const queues = new TestQueues()
  queues.configure({}, 1)
  queues.try({ type: 'configure', queue: { ...definitionOf('queue-1', 2), name: queueName('queue-1') }, catalogueVersion: 20 })
  queues.produce('new', {}, queueOf(2))
  queues.produce('old')
  equal(queues.delete(1, 10), 'deleted')
  equal(queues.produce('old'), 'unknown_queue')
  equal(queues.show(queueOf(2)), 'new:ready')
})

test('decision Q9: what was read of the catalogue before a deletion does not bring the queue back', () => {
  const queues = new TestQueues()
  queues.try({ type: 'configure', queue: definitionOf('queue-1', 1), catalogueVersion: 4 })
  queues.produce('a')
  equal(queues.delete(1, 5), 'deleted')
  equal(live(queues), '')
  const stale = { type: 'configure', queue: definitionOf('queue-1', 1), catalogueVersion: 4 } as const
  equal(queues.try(stale), 'stale_catalogue')
  queues.restart()
  equal(queues.try(stale), 'stale_catalogue', 'a replica that began with a snapshot knows it too')
  equal(queues.try({ type: 'configure', queue: definitionOf('queue-1', 2), catalogueVersion: 5 }), 'configured')
})

test('decision Q9: settings of an older revision change nothing', () => {
  const queues = new TestQueues()
  queues.configure({ paused: true }, 1, 9)
  queues.configure({ paused: false }, 1, 8)
  equal(queues.consume(), 'queue_paused')
  queues.configure({ paused: false }, 1, 10)
  equal(queues.consume(), '')
})

test('decision Q10: a delivery that could not be written is released without penalty: delivered counts it, failed does not', () => {
  const queues = withQueue({ maxFailures: 1 })
  queues.produce('a')
  for (let flap = 1; flap <= 25; flap++) {
    equal(queues.consume(), `a${flap}`)
    equal(queues.release(`a${flap}`), 'returned')
  }
  queues.consume()
  ok(queues.answer?.type === 'delivered')
  deepEqual(
    queues.answer.messages.map(({ lease, failed }) => [lease, failed]),
    [[26, 0]],
  )
})

test('decision Q10: what a consumer had whose connection is closed is released without penalty, and nobody else’s', () => {
  const queues = withQueue({ maxFailures: 1 })
  queues.produce('a b c')
  queues.consume(2, { by: 'gone' })
  queues.consume(1, { by: 'here' })
  equal(queues.try({ type: 'release-consumer', consumer: consumerId('gone') }), 'released 2')
  equal(queues.show(), 'a:ready b:ready c:leased')
  equal(queues.consume(5, { by: 'here' }), 'a2 b2')
})

const transfers = (queues: TestQueues): string =>
  [...transfersDue(queues.machine.state)]
    .map(({ id, deadLetterQueue, reason }) => `${queues.nameOf(id)}>${deadLetterQueue ?? 'source'} ${reason}`)
    .join(', ')

test('decision Q11: a dead letter stays here, pending, until its target has it', () => {
  const queues = withQueue({ deadLetterQueue: queueName('dead') })
  queues.produce('a b')
  queues.consume(2)
  queues.reject('a1')
  equal(transfers(queues), 'a>dead rejected')
  equal(viewPartition(queues.machine.state, queueOf())?.moving, 1)
  equal(queues.forwarded('b'), 'not_moving')
  equal(live(queues), '2-2')
  equal(queues.forwarded('a'), 'forwarded')
  equal(queues.forwarded('a'), 'unknown_message', 'a second report says nothing new')
  equal(queues.show(), 'b:leased')
})

test('decision Q11: a target that refuses is asked again after a while, also by a replica that began with a snapshot', () => {
  const queues = withQueue({ deadLetterQueue: queueName('dead') })
  queues.produce('a b')
  queues.consume(2)
  queues.reject('a1 b1')
  equal(queues.postpone('a', 1_000), 'postponed')
  equal(transfers(queues), 'b>dead rejected')
  queues.restart()
  equal(transfers(queues), 'b>dead rejected')
  equal(queues.machine.state.nextDeadline().time, 1_000)
  queues.pass(1_000)
  equal(transfers(queues), 'b>dead rejected, a>dead rejected')
})

test('decision Q11: dead letters that their target does not take may be redriven', () => {
  const queues = withQueue({ deadLetterQueue: queueName('dead') })
  queues.produce('a b')
  queues.consume(2)
  queues.reject('a1 b1')
  queues.postpone('a', 1_000)
  equal(queues.redrive(), 'moved 2')
  equal(transfers(queues), '')
  equal(queues.consume(5), 'a2 b2')
})

test('decision Q11: dead letters stay where they are when their queue names none for them any more', () => {
  const queues = withQueue({ deadLetterQueue: queueName('dead') })
  queues.produce('a b')
  queues.consume(2)
  queues.reject('a1 b1')
  queues.postpone('b', 1_000)
  queues.configure({ deadLetterQueue: null })
  equal(transfers(queues), '')
  equal(queues.show(), 'a:dead b:dead')
  equal(queues.forwarded('a'), 'not_moving')
  deepEqual(queues.machine.state.nextDeadline(), { time: null, wall: null })
})

test('decision R5: leases and delays go by machine time, whatever the wall clock does', () => {
  const queues = withQueue({ visibilityMs: 1_000 })
  queues.produce('a')
  queues.produce('b', { delay: { type: 'after', ms: 1_000 } })
  queues.consume()
  queues.wallAhead = 600_000
  queues.pass(999)
  equal(queues.show(), 'a:leased b:scheduled')
  queues.pass(1)
  equal(queues.show(), 'a:ready b:ready')
})

test('decision R5: an instant goes by the wall clock of the entries, so downtime does not make it late', () => {
  const queues = withQueue()
  const instant = wallMillis(queues.machine.state.wall + 60_000)
  queues.produce('a', { delay: { type: 'at', instant } })
  equal(queues.machine.state.nextDeadline().wall, instant)
  queues.pass(59_999)
  equal(queues.show(), 'a:scheduled')
  queues.wallAhead = 1
  queues.pass(0)
  equal(queues.show(), 'a:ready')
  queues.produce('b', { delay: { type: 'at', instant } })
  equal(queues.show(), 'a:ready b:ready', 'an instant that is over is now')
})
