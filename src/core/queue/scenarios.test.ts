import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { encodeCommand } from './command-codec.ts'
import { queueLimits } from './limits.ts'
import { isReady, transfersDue, viewMessages, viewPartition } from './queries.ts'
import { queueOf, TestQueues } from './testkit.ts'
import { message } from './testkit-samples.ts'
import type { QueueSettings } from './types.ts'
import { consumerId, queueName } from './types.ts'

/** What queues are expected to do, by the groups of the validated suites of others. */

function withQueue(settings: Partial<QueueSettings> = {}): TestQueues {
  const queues = new TestQueues()
  queues.configure({ visibilityMs: 1_000, ...settings })
  return queues
}

const view = (queues: TestQueues): ReturnType<typeof viewPartition> => viewPartition(queues.machine.state, queueOf())

test('scenario lease: a message is received again when its lease has run out, and that counts as a failure', () => {
  const queues = withQueue()
  queues.produce('a')
  equal(queues.consume(), 'a1')
  queues.pass(999)
  equal(queues.consume(), '')
  queues.time += 1
  equal(queues.consume(), 'a2', 'also when no tick came first')
  ok(queues.answer?.type === 'delivered')
  equal(queues.answer.messages[0]?.failed, 1)
})

test('scenario lease: a lease that runs out is no failure in a queue that says so', () => {
  const queues = withQueue({ expiryFails: false, maxFailures: 1 })
  queues.produce('a')
  queues.consume()
  queues.pass(1_000)
  equal(queues.show(), 'a:ready')
})

test('scenario lease: an ack after the lease has run out, but before the message is delivered again, settles it', () => {
  for (const receipt of ['a', 'a1']) {
    const queues = withQueue()
    queues.produce('a b', { key: 'k' })
    queues.consume()
    queues.pass(1_000)
    equal(queues.ack(receipt), 'acknowledged')
    equal(queues.consume(5), 'b1')
  }
})

test('scenario lease: only the newest receipt acks, extends or gives back; a stale one is told so', () => {
  const queues = withQueue()
  queues.produce('a')
  queues.consume()
  queues.pass(1_000)
  equal(queues.extend('a1', 500), 'stale_receipt', 'the lease is over')
  equal(queues.release('a1'), 'stale_receipt')
  equal(queues.consume(), 'a2')
  equal(queues.ack('a1'), 'stale_receipt')
  equal(queues.extend('a1', 500), 'stale_receipt')
  equal(queues.release('a'), 'stale_receipt', 'without a receipt nobody can tell which lease it is')
  equal(queues.ack('a2'), 'acknowledged')
  equal(queues.ack('a2'), 'unknown_message')
})

test('scenario lease: an extension counts from now, and one by 0 releases at once', () => {
  const queues = withQueue()
  queues.produce('a')
  queues.consume()
  queues.pass(900)
  equal(queues.extend('a1', 1_000), 'extended')
  ok(queues.answer?.type === 'results')
  equal(queues.answer.visibleUntil, queues.machine.state.wall + 1_000)
  queues.pass(999)
  equal(queues.show(), 'a:leased')
  equal(queues.extend('a1', 100), 'extended', 'shorter is possible')
  queues.pass(100)
  equal(queues.show(), 'a:ready')
  equal(queues.consume(), 'a2')
  equal(queues.extend('a2', 0), 'returned')
  equal(queues.consume(), 'a3')
  equal([...viewMessages(queues.machine.state, queueOf())][0]?.failed, 1, 'only the lease that ran out was a failure')
})

test('scenario lease: the visibility of one receive holds for that receive only', () => {
  const queues = withQueue()
  queues.produce('a')
  equal(queues.consume(1, { visibilityMs: 5_000 }), 'a1')
  queues.pass(4_999)
  equal(queues.show(), 'a:leased')
  queues.pass(1)
  equal(queues.consume(), 'a2')
  queues.pass(1_000)
  equal(queues.show(), 'a:ready')
})

test('scenario lease: what is in flight is counted, and when there is no room nothing more is delivered', () => {
  const queues = new TestQueues({ inFlightMax: 2 })
  queues.configure()
  queues.produce('a b c')
  equal(isReady(queues.machine.state, queueOf()), true)
  equal(queues.consume(5), 'a1 b1')
  equal(view(queues)?.inFlight, 2)
  equal(isReady(queues.machine.state, queueOf()), false)
  equal(queues.consume(5), 'in_flight_full')
  queues.ack('a1')
  equal(queues.consume(5), 'c1')
})

test('scenario lease: what comes back keeps its place', () => {
  const queues = withQueue()
  queues.produce('a b c d')
  equal(queues.consume(3), 'a1 b1 c1')
  queues.release('c1')
  queues.fail('a1')
  equal(queues.peek(), 'a c d')
  queues.pass(1_000)
  equal(queues.consume(5), 'a2 b2 c2 d1')
})

test('scenario lease: an empty consume changes nothing but time, and a leader knows before that it would be empty', () => {
  const queues = withQueue()
  equal(isReady(queues.machine.state, queueOf()), false)
  equal(isReady(queues.machine.state, queueOf(9)), false)
  queues.produce('a', { delay: { type: 'after', ms: 10 } })
  const before = queues.snapshot()
  equal(isReady(queues.machine.state, queueOf()), false)
  equal(queues.consume(), '')
  deepEqual(queues.snapshot(), before)
  deepEqual(queues.events, [])
  equal(queues.machine.state.consumers.size, 0)
})

test('scenario ordering keys: order is kept after a time-out, and the key is visible again after ack, nack and extend 0', () => {
  const queues = withQueue()
  queues.produce('a b c d e', { key: 'k' })
  equal(queues.consume(5), 'a1')
  queues.pass(1_000)
  equal(queues.consume(5), 'a2')
  queues.ack('a2')
  equal(queues.consume(5), 'b1')
  queues.release('b1')
  equal(queues.consume(5), 'b2')
  queues.extend('b2', 0)
  equal(queues.consume(5), 'b3')
  queues.ack('b3')
  equal(queues.peek(), 'c')
})

test('scenario ordering keys: a batch from one key shares the lease: one is delivered, the rest waits for it', () => {
  const queues = withQueue()
  queues.produce('a b c', { key: 'k' })
  equal(queues.consume(10), 'a1')
  equal(queues.consume(10), '')
  equal(view(queues)?.ready, 2)
  equal(view(queues)?.deliverable, 0)
})

test('scenario ordering keys: other keys, and messages without one, are not blocked', () => {
  const queues = withQueue()
  queues.produce('a b', { key: 'k' })
  queues.produce('c d', { key: 'l' })
  queues.produce('e f')
  equal(queues.consume(10), 'a1 c1 e1 f1')
})

test('scenario ordering keys: one that is to be tried again later holds up its key, and one that is dead does not', () => {
  const queues = withQueue({ maxFailures: 2 })
  queues.produce('a b', { key: 'k' })
  queues.consume()
  equal(queues.fail('a1', 300), 'returned')
  equal(queues.consume(), '')
  queues.pass(300)
  equal(queues.consume(), 'a2')
  equal(queues.fail('a2'), 'dead')
  equal(queues.consume(), 'b1')
})

test('scenario ordering keys: one whose ttl is over, or that is cancelled or dropped, makes way', () => {
  const queues = withQueue({ maxLength: 4, overflow: 'drop-head' })
  queues.produce('a', { key: 'k', ttlMs: 100 })
  queues.produce('b', { key: 'k', delay: { type: 'after', ms: 500 } })
  queues.produce('c d', { key: 'k' })
  queues.pass(100)
  equal(queues.peek(), '', 'b is not due')
  equal(queues.cancel('b'), 'cancelled')
  equal(queues.peek(), 'c')
  queues.produce('e f g')
  equal(queues.show(), 'd:ready e:ready f:ready g:ready')
  equal(queues.peek(), 'd e f g')
})

test('scenario ordering keys: a redriven message takes its old place, behind one in flight', () => {
  const queues = withQueue()
  queues.produce('a b c', { key: 'k' })
  queues.consume()
  queues.reject('a1')
  equal(queues.consume(), 'b1')
  queues.redrive()
  equal(queues.consume(), '')
  queues.restart()
  queues.release('b1')
  equal(queues.consume(), 'a2', 'b is given back, and a is older')
})

test('scenario dedupe: the id wins over body and key, is not forgotten by an ack, and comes back as the first message’s', () => {
  const queues = withQueue({ dedupeWindowMs: 1_000 })
  queues.produce('a', { dedupeId: 'x', key: 'k' })
  queues.consume()
  queues.ack('a1')
  queues.time += 999
  equal(queues.produce('b', { dedupeId: 'x', key: 'l' }), 'duplicate')
  ok(queues.answer?.type === 'produced')
  deepEqual(queues.answer.results, [{ type: 'duplicate', id: queues.id('a') }])
  equal(queues.show(), '')
  queues.time += 1
  equal(queues.produce('b', { dedupeId: 'x' }), 'enqueued')
})

test('scenario dedupe: within one batch, too, but not over partitions, without a window or without an id', () => {
  const queues = withQueue()
  equal(queues.produce('a b', { dedupeId: 'x' }), 'enqueued duplicate')
  equal(queues.produce('c', { dedupeId: 'x' }, queueOf(1, 1)), 'enqueued')
  equal(queues.produce('d d'), 'enqueued enqueued')
  queues.configure({ dedupeWindowMs: 0 })
  equal(queues.produce('e e', { dedupeId: 'y' }), 'enqueued enqueued')
})

test('scenario dedupe: a purge clears the window, and a shorter window counts from now', () => {
  const queues = withQueue({ dedupeWindowMs: 10_000 })
  queues.produce('a', { dedupeId: 'x' })
  queues.purge()
  equal(queues.produce('b', { dedupeId: 'x' }), 'enqueued')
  queues.configure({ dedupeWindowMs: 100 })
  queues.time += 100
  equal(queues.produce('c', { dedupeId: 'x' }), 'enqueued')
})

test('scenario dedupe: a message that is refused is not remembered', () => {
  const queues = withQueue({ maxLength: 1 })
  equal(queues.produce('a b', { dedupeId: 'x' }), 'enqueued duplicate')
  equal(queues.produce('b', { dedupeId: 'y' }), 'queue_full')
  queues.consume()
  queues.ack('a1')
  equal(queues.produce('b', { dedupeId: 'y' }), 'enqueued')
})

test('scenario dead letters: a message that has failed too often is dead, here where its queue names no target', () => {
  const queues = withQueue({ maxFailures: 2 })
  queues.produce('a')
  queues.consume()
  equal(queues.fail('a1'), 'returned')
  queues.consume()
  queues.pass(1_000)
  equal(queues.show(), 'a:dead')
  equal(queues.consume(), '')
  equal(view(queues)?.dead, 1)
  equal(view(queues)?.length, 0, 'a limit of length does not count the dead')
})

test('scenario dead letters: 20 failures by default, and with 0 none is too many', () => {
  for (const [maxFailures, dies] of [
    [20, 20],
    [0, Infinity],
  ] as const) {
    const queues = withQueue({ maxFailures })
    queues.produce('a')
    for (let failure = 1; failure <= 25; failure++) {
      equal(queues.consume(), failure <= dies ? `a${failure}` : '')
      if (failure <= dies) equal(queues.fail(`a${failure}`), failure === dies ? 'dead' : 'returned')
    }
  }
})

test('scenario dead letters: what is told of one has its counters, its reason and its body, and a reject goes there at once', () => {
  const queues = withQueue({ deadLetterQueue: queueName('dead'), maxFailures: 2 })
  const source = {
    queue: queueName('from'),
    id: { slot: 3, index: 4, offset: 5, check: 6 },
    reason: 'failures',
    delivered: 7,
    failed: 8,
  } as const
  queues.send([message('a', { headers: [{ name: 'trace', value: '1' }], source }), message('b')])
  queues.consume(2)
  queues.fail('a1')
  queues.consume()
  queues.fail('a2')
  queues.reject('b1')
  const [first, second] = [...transfersDue(queues.machine.state)]
  deepEqual([first?.id, first?.reason, first?.delivered, first?.failed, first?.deadLetterQueue], [queues.id('a'), 'failures', 2, 2, 'dead'])
  deepEqual([second?.id, second?.reason, second?.delivered, second?.failed], [queues.id('b'), 'rejected', 1, 0])
  const [, produced] = queues.log
  ok(produced?.command.type === 'produce')
  deepEqual(produced.command.messages[0]?.source, source, 'the entry has headers and source, for a chain of such queues')
})

test('scenario dead letters: a redrive puts back as many a second as it was told to, and starts their failures anew', () => {
  const queues = withQueue({ maxFailures: 1 })
  queues.produce('a b c d')
  queues.consume(4)
  queues.fail('a1 b1 c1 d1')
  equal(queues.redrive({ rate: 2, max: 3 }), 'moved 1 so far', 'the first at once')
  equal(queues.machine.state.nextDeadline().time, 500)
  equal(queues.redrive(), 'redrive_active', 'a second one is refused')
  queues.pass(499)
  equal(queues.peek(), 'a')
  queues.restart()
  queues.pass(1)
  equal(queues.peek(), 'a b')
  queues.pass(500)
  equal(queues.show(), 'a:ready b:ready c:ready d:dead')
  deepEqual(queues.events.at(-1), { type: 'redrive-ended', queue: queueOf(), moved: 3 })
  equal(queues.machine.state.nextDeadline().time, null)
  queues.consume()
  equal([...viewMessages(queues.machine.state, queueOf())][0]?.failed, 0)
})

test('scenario dead letters: a redrive can be cancelled', () => {
  const queues = withQueue()
  queues.produce('a b c')
  queues.consume(3)
  queues.reject('a1 b1 c1')
  const cancel = { type: 'cancel-redrive', queue: queueOf() } as const
  equal(queues.try(cancel), 'no_redrive')
  queues.redrive({ rate: 1 })
  equal(queues.try(cancel), 'moved 1')
  queues.pass(60_000)
  equal(queues.show(), 'a:ready b:dead c:dead')
  equal(queues.redrive(), 'moved 2')
})

test('scenario dead letters: a queue of dead letters sends them back to where they came from, and keeps what is cancelled in time', () => {
  const queues = withQueue()
  queues.produce('a b')
  queues.produce('c', { key: 'k' })
  equal(queues.redrive({ from: 'ready', max: 2 }), 'moved 2')
  equal([...transfersDue(queues.machine.state)].map(({ deadLetterQueue }) => deadLetterQueue).join(), ',')
  equal(queues.consume(5), 'c1', 'what moves is not delivered')
  equal(queues.forwarded('a'), 'forwarded')
  queues.postpone('b', 1_000)
  equal(queues.try({ type: 'cancel-redrive', queue: queueOf() }), 'moved 0')
  equal(queues.consume(5), 'b1')
})

test('scenario limits: a batch of 1 000 is taken, one of 1 001 and one of nothing are not, and an empty body is a body', () => {
  const queues = withQueue()
  const batch = (size: number): string => queues.send(Array.from({ length: size }, () => message('')))
  equal(batch(1_000), Array.from({ length: 1_000 }, () => 'enqueued').join(' '))
  equal(batch(0), 'invalid messages')
  equal(batch(1_001), 'malformed integer out of range')
  equal(view(queues)?.ready, 1_000)
})

test('scenario limits: the largest body is taken, and a batch of too many bytes is not', () => {
  const queues = withQueue()
  const large = { ...message(''), body: new Uint8Array(queueLimits.bodyBytesMax) }
  equal(queues.send([large]), 'enqueued')
  equal(queues.send(Array.from({ length: 8 }, () => large)), Array.from({ length: 8 }, () => 'enqueued').join(' '))
  equal(queues.send([...Array.from({ length: 8 }, () => large), message('x')]), 'invalid messages')
  equal(queues.send([{ ...large, body: new Uint8Array(queueLimits.bodyBytesMax + 1) }]), 'malformed bytes too long')
})

test('scenario limits: a delivery has no more bytes than were asked for, but one message at least', () => {
  const queues = withQueue()
  queues.send([message('a'.repeat(100)), message('b'.repeat(10))])
  queues.send([message('c')])
  equal(queues.consume(10, { bytesMax: 0 }).length, 101)
  queues.release('a'.repeat(100) + '1')
  queues.consume(10, { bytesMax: 200 })
  ok(queues.answer?.type === 'delivered')
  equal(queues.answer.messages.length, 1, 'each counts as the largest of its batch')
})

test('scenario limits: only so many queues and partitions are known to a slot, and so many messages kept of which more is known', () => {
  const queues = new TestQueues({ queuesMax: 2, partitionsMax: 2, touchedMax: 2, batchesMax: 3 })
  queues.configure({}, 1)
  queues.configure({}, 2)
  equal(queues.configure({}, 3), 'too_many_queues')
  equal(queues.produce('a', {}, queueOf(1, 0)), 'enqueued')
  equal(queues.produce('b c d', { priority: 1 }, queueOf(1, 1)), 'enqueued enqueued slot_full')
  equal(queues.produce('e', {}, queueOf(1, 2)), 'too_many_partitions')
  equal(queues.produce('f'), 'enqueued', 'what is merely ready needs no record')
  equal(queues.produce('g h'), 'slot_full slot_full')
  queues.consume(1)
  queues.ack('a1')
  equal(queues.produce('g h'), 'enqueued enqueued')
  equal(queues.delete(1), 'deleted')
  equal(queues.produce('i', {}, queueOf(2)), 'enqueued')
})

test('scenario limits: only so many consumers have leases at one time', () => {
  const queues = new TestQueues({ consumersMax: 1 })
  queues.configure()
  queues.produce('a b c')
  equal(queues.consume(1, { by: 'c' }), 'a1')
  equal(queues.consume(1, { by: 'd' }), 'too_many_consumers')
  equal(queues.consume(1, { by: 'c' }), 'b1')
  queues.ack('a1 b1')
  equal(queues.consume(1, { by: 'd' }), 'c1')
})

test('scenario limits: one command ends only so much, says that there is more, and delivers nothing that should have ended', () => {
  const queues = new TestQueues({ expiriesMax: 2 })
  queues.configure()
  queues.produce('a b c d e', { ttlMs: 10 })
  queues.produce('f')
  queues.time += 10
  equal(queues.consume(1), '')
  equal(queues.show(), 'e:ready f:ready', 'two before the command, and two of those that it met')
  equal(queues.consume(1), 'f1')
  queues.produce('g h i', { delay: { type: 'after', ms: 5 } })
  equal(queues.pass(5), 'expired 2 of more')
  equal(queues.pass(0), 'expired 1')
})

test('scenario life: settings that change while in use hold from then on', () => {
  const queues = withQueue({ maxFailures: 5, ttlMs: null })
  queues.produce('a b')
  queues.consume()
  queues.configure({ visibilityMs: 50, maxFailures: 1, ttlMs: 100 })
  queues.pass(999)
  equal(queues.show(), 'a:leased b:ready', 'a lease that was given lasts as long as it was told')
  queues.pass(1)
  equal(queues.show(), 'a:dead b:ready')
  queues.produce('c')
  equal(queues.consume(1), 'b1')
  queues.pass(50)
  equal(queues.show(), 'a:dead b:dead c:ready')
  queues.pass(50)
  equal(queues.show(), 'a:dead b:dead')
})

test('scenario life: a purge takes what is ready, scheduled and in flight, and the dead when it is told to', () => {
  const queues = withQueue()
  queues.produce('a b c d')
  queues.produce('e f', { key: 'k' })
  queues.produce('g', { delay: { type: 'after', ms: 100 } })
  queues.consume(2)
  queues.reject('a1')
  equal(queues.purge(), 'purged 6')
  equal(queues.show(), 'a:dead')
  equal(view(queues)?.inFlight, 1, 'b is at work still')
  equal(queues.ack('b1'), 'acknowledged')
  equal(queues.purge(true), 'purged 1')
  equal([...queues.machine.live()].length, 0)
  equal(queues.produce('new'), 'enqueued')
  equal(queues.consume(5), 'new1')
})

test('scenario life: a queue that is deleted takes everything with it, and its consumers are told', () => {
  const queues = withQueue()
  queues.produceAs('p#1', 'a b')
  queues.produce('c', { key: 'k', dedupeId: 'x' })
  queues.produce('d', { delay: { type: 'after', ms: 5 } }, queueOf(1, 2))
  queues.consume(5)
  queues.reject('b1')
  queues.redrive({ rate: 1 })
  equal(queues.delete(), 'deleted')
  deepEqual(queues.events, [{ type: 'queue-deleted', generation: 1 }])
  equal(queues.ack('a1'), 'unknown_message')
  equal(queues.consume(), 'unknown_queue')
  const { state } = queues.machine
  deepEqual(
    [state.records.size, state.batches.size, state.consumers.size, state.dedupeTotals.ids, state.producerTotals.producers],
    [0, 0, 0, 0, 0],
  )
  deepEqual(state.nextDeadline(), { time: null, wall: null })
})

test('scenario life: a paused queue takes messages and gives none, and goes on when it is resumed', () => {
  const queues = withQueue()
  queues.produce('a b')
  queues.consume()
  queues.configure({ paused: true })
  equal(queues.produce('c'), 'enqueued')
  equal(queues.consume(), 'queue_paused')
  equal(isReady(queues.machine.state, queueOf()), false)
  equal(queues.ack('a1'), 'acknowledged')
  queues.configure({ paused: false })
  equal(isReady(queues.machine.state, queueOf()), true)
  equal(queues.consume(5), 'b1 c1')
})

test('scenario life: a look at what comes next has no side effect', () => {
  const queues = withQueue()
  queues.send([message('a'), message('b', { priority: 3 }), message('c', { ttlMs: 50 }), message('d'), message('e', { priority: 3 })])
  const before = queues.snapshot()
  equal(queues.peek(), 'b e a c d')
  equal(queues.show(), 'a:ready b:ready c:ready d:ready e:ready')
  deepEqual(queues.snapshot(), before)
})

test('scenario life: delayed messages are listed with when they are due, and can be cancelled until then', () => {
  const queues = withQueue()
  queues.produce('now')
  queues.produce('a', { delay: { type: 'after', ms: 100 } })
  const instant = wallMillis(queues.machine.state.wall + 60_000)
  queues.produce('b', { delay: { type: 'at', instant } })
  const due = [...viewMessages(queues.machine.state, queueOf(), { index: 3, offset: 0 })].map(({ id, until }) => [queues.nameOf(id), until])
  deepEqual(due, [
    ['a', { time: 100 }],
    ['b', { wall: instant }],
  ])
  equal(queues.cancel('a b now'), 'cancelled cancelled not_scheduled')
  equal(queues.cancel('a'), 'unknown_message')
  equal(queues.show(), 'now:ready')
  queues.consume()
  queues.release('now1', 100)
  equal(queues.cancel('now'), 'not_scheduled', 'one that was delivered is tried again, not scheduled')
})

test('scenario life: a delay cannot be longer than a year, and any instant is good', () => {
  const queues = withQueue()
  const { durationMsMax } = queueLimits
  equal(queues.produce('a', { delay: { type: 'after', ms: durationMsMax } }), 'enqueued')
  equal(queues.produce('b', { delay: { type: 'after', ms: durationMsMax + 1 } }), 'invalid delayMs')
  equal(queues.produce('c', { delay: { type: 'at', instant: wallMillis(8.64e15) } }), 'enqueued')
  equal(queues.produce('d', { delay: { type: 'at', instant: wallMillis(0) } }), 'enqueued')
  equal(queues.show(), 'a:scheduled c:scheduled d:ready')
})

test('scenario faults: a consumer dies, and what it had is delivered to another one', () => {
  const queues = withQueue()
  queues.produce('a b')
  queues.consume(2, { by: 'dead' })
  queues.ack('a1')
  queues.pass(1_000)
  equal(queues.consume(2, { by: 'other' }), 'b2')
})

test('scenario faults: all nodes are killed, and what one reads back is what was there', () => {
  const queues = withQueue({ deadLetterQueue: queueName('dead') })
  queues.produce('a b c d', { key: 'k' })
  queues.produce('e f', { priority: 2, ttlMs: 5_000 })
  queues.consume(2)
  queues.reject('e1')
  const shown = queues.show()
  queues.restart()
  equal(queues.show(), shown)
  equal(queues.peek(), 'a')
  equal(queues.ack('f1'), 'acknowledged')
  equal(queues.consume(5), 'a1')
})

test('scenario faults: a slow consumer, and a poison message, block nobody else', () => {
  const queues = withQueue({ maxFailures: 3 })
  queues.produce('poison a b c')
  equal(queues.consume(1, { by: 'slow', visibilityMs: 60_000 }), 'poison1')
  equal(queues.consume(3, { by: 'quick' }), 'a1 b1 c1')
  equal(queues.ack('a1 b1 c1'), 'acknowledged acknowledged acknowledged')
  queues.pass(60_000)
  for (const receipt of ['poison2', 'poison3']) {
    equal(queues.consume(), receipt)
    queues.fail(receipt)
  }
  equal(queues.show(), 'poison:dead')
})

test('scenario faults: a producer that does not know what became of its call sends it again, and it is there once', () => {
  const queues = withQueue()
  const send = (): string => queues.produce('a', { dedupeId: 'order-1' })
  equal(send(), 'enqueued')
  queues.restart()
  equal(send(), 'duplicate')
  equal(queues.show(), 'a:ready')
})

test('scenario deep queue: one old message that is not settled holds neither the entries after it nor their rows', () => {
  const queues = withQueue()
  const bytes = (count: number): Uint8Array =>
    encodeCommand({ type: 'produce', queue: queueOf(), producer: null, messages: Array.from({ length: count }, () => message('x')) })
  const { machine } = queues
  let index = 10
  const apply = (command: Uint8Array): ReturnType<typeof machine.apply> =>
    machine.apply(command, { index: ++index, term: 1, time: millis(0), wall: wallMillis(0) })
  apply(bytes(1))
  const consume = { type: 'consume', queue: queueOf(), consumer: consumerId('c'), bytesMax: 1e6, visibilityMs: 1e6 } as const
  apply(encodeCommand({ ...consume, max: 1 }))
  for (let round = 0; round < 500; round++) {
    for (let entry = 0; entry < 20; entry++) apply(bytes(1))
    const { answer } = apply(encodeCommand({ ...consume, max: 20 }))
    ok(answer.type === 'delivered' && answer.messages.length === 20)
    apply(encodeCommand({ type: 'ack', receipts: answer.messages.map(({ id, lease }) => ({ id, lease })) }))
  }
  deepEqual([...machine.live()], [{ from: 11, to: 11 }])
  ok([...machine.snapshot()].reduce((sum, { length }) => sum + length, 0) < 400)
  ok(machine.deadBodies().length > 0)
})

test('a message’s body is never in the machine', () => {
  const queues = withQueue()
  const secret = 'a body that nobody else would write'
  queues.produce(secret.replaceAll(' ', '-'), { key: 'k', dedupeId: 'd' })
  const snapshot = new TextDecoder('latin1').decode(queues.snapshot())
  equal(snapshot.includes('nobody'), false)
})
