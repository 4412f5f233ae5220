import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { countsOf, viewPartition, viewPartitions } from './queries.ts'
import { retryDelay } from './receipts.ts'
import { queueOf, TestQueues } from './testkit.ts'
import { message } from './testkit-samples.ts'
import type { QueueEvent, RetryPolicy } from './types.ts'
import { consumerId, queueName } from './types.ts'

/** What is not 0 of the changes of the last entry. */
function changes(queues: TestQueues): unknown {
  const changed = queues.events.filter((event): event is QueueEvent & { type: 'changed' } => event.type === 'changed')
  return changed.map(({ queue, ...counts }) => [
    queue.partition,
    Object.fromEntries(Object.entries(counts).filter(([, count]) => typeof count === 'number' && count > 0)),
  ])
}

test('an entry tells how many messages went which way, by partition', () => {
  const queues = new TestQueues()
  queues.configure({ maxFailures: 2, maxLength: 4, overflow: 'drop-head', visibilityMs: 100 })
  queues.produce('a b c')
  deepEqual(changes(queues), [[0, { enqueued: 3, available: 3 }]])
  queues.consume(2)
  deepEqual(changes(queues), [[0, { delivered: 2 }]])
  queues.ack('a1')
  deepEqual(changes(queues), [[0, { acknowledged: 1 }]])
  queues.fail('b1')
  deepEqual(changes(queues), [[0, { returned: 1, failed: 1, available: 1 }]])
  queues.produce('d e f')
  deepEqual(changes(queues), [[0, { enqueued: 3, dropped: 1, available: 3 }]])
  queues.consume(1)
  queues.pass(100)
  deepEqual(changes(queues), [[0, { returned: 1, failed: 1, available: 1 }]])
})

test('parked consumers are told when something has become deliverable: a key that opens, a delay that is over', () => {
  const queues = new TestQueues()
  queues.configure()
  queues.produce('a b', { key: 'k' })
  deepEqual(changes(queues), [[0, { enqueued: 2, available: 1 }]])
  queues.consume()
  queues.ack('a1')
  deepEqual(changes(queues), [[0, { acknowledged: 1, available: 1 }]])
  queues.produce('c', { delay: { type: 'after', ms: 10 } }, queueOf(1, 1))
  deepEqual(changes(queues), [[1, { enqueued: 1 }]])
  queues.pass(10)
  deepEqual(changes(queues), [[1, { available: 1 }]])
})

test('parked consumers are told when nothing but a place in flight has become free, however that came about', () => {
  const ends: readonly ((queues: TestQueues) => string)[] = [
    (queues) => queues.pass(30_000),
    (queues) => queues.ack('a1'),
    (queues) => queues.ack('a'),
    (queues) => queues.release('a1'),
    (queues) => queues.try({ type: 'release-consumer', consumer: consumerId('c') }),
  ]
  for (const end of ends) {
    const queues = new TestQueues({ inFlightMax: 1 })
    queues.configure()
    queues.produce('a')
    queues.consume()
    queues.purge()
    queues.produce('b')
    equal(queues.consume(), 'in_flight_full')
    end(queues)
    deepEqual(changes(queues), [[0, { freed: 1 }]])
    equal(queues.consume(), 'b1')
  }
})

test('a leader is told when there is something to move, once until it is all gone', () => {
  const queues = new TestQueues()
  queues.configure({ deadLetterQueue: queueName('dead') })
  queues.produce('a b c')
  queues.consume(3)
  const isTold = (): boolean => queues.events.some(({ type }) => type === 'transfers-due')
  queues.reject('a1 b1')
  equal(queues.events.filter(({ type }) => type === 'transfers-due').length, 1)
  queues.reject('c1')
  equal(isTold(), false, 'it is looking already')
  queues.forwarded('a b c')
  queues.produce('d')
  queues.consume()
  queues.reject('d1')
  equal(isTold(), true)
  queues.postpone('d', 100)
  queues.pass(100)
  equal(isTold(), true)
})

test('a partition is counted as it is', () => {
  const queues = new TestQueues()
  queues.configure()
  queues.send([
    message('a'),
    message('b', { key: 'k' }),
    message('c', { key: 'k' }),
    message('d', { delay: { type: 'after', ms: 5_000 } }),
    message('e', { priority: 1 }),
  ])
  queues.time = 500
  queues.produce('f', {}, queueOf(1, 2))
  queues.consume(2)
  queues.reject('e1')
  deepEqual(viewPartition(queues.machine.state, queueOf()), {
    queue: queueOf(),
    name: 'queue-1',
    ready: 2,
    deliverable: 1,
    inFlight: 1,
    scheduled: 1,
    dead: 1,
    moving: 0,
    length: 4,
    oldestAt: 1_700_000_000_000,
    redrive: null,
  })
  deepEqual(
    [...viewPartitions(queues.machine.state)].map(({ queue, oldestAt }) => [queue.partition, (oldestAt ?? 0) - 1_700_000_000_000]),
    [
      [0, 0],
      [2, 500],
    ],
  )
  deepEqual(countsOf(queues.machine.state), {
    queues: 1,
    partitions: 2,
    batches: 2,
    touched: 5,
    consumers: 1,
    dedupeIds: 0,
    producers: 0,
    transfersDue: 0,
  })
})

const policy: RetryPolicy = { growth: 'exponential', delayMs: 100, maxMs: 1_000, jitterPercent: 0 }

test('a retry waits as long as before, or twice as long each time up to a limit, less the jitter', () => {
  const delays = (changed: Partial<RetryPolicy>, share = 0): number[] =>
    [1, 2, 3, 4, 5, 100].map((failed) => retryDelay({ ...policy, ...changed }, failed, share))
  deepEqual(delays({}), [100, 200, 400, 800, 1_000, 1_000])
  deepEqual(delays({ growth: 'fixed' }), [100, 100, 100, 100, 100, 100])
  deepEqual(delays({ jitterPercent: 50 }, 0.5), [75, 150, 300, 600, 750, 750])
})

test('messages that fail together are tried again at different times, the same on every replica', () => {
  const queues = new TestQueues()
  queues.configure({ retry: { ...policy, delayMs: 1_000, jitterPercent: 50 } })
  queues.produce('a b c d e f g h')
  queues.consume(8)
  queues.fail('a1 b1 c1 d1 e1 f1 g1 h1', null)
  const dueTimes = (): number[] => {
    const { records } = queues.machine.state
    return [...records.all()].map((record) => records.deadline[record] as number).sort((left, right) => left - right)
  }
  const first = dueTimes()
  ok(new Set(first).size > 5 && first.every((at) => at >= 500 && at <= 1_000), first.join(' '))
  queues.restart()
  deepEqual(dueTimes(), first)
})
