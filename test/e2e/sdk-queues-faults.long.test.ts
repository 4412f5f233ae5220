import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { connect } from '#index.ts'
import type { Queue } from '#index.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import { SdkNumberSender } from '#test/harness/sdk-number-sender.ts'
import { until } from '#test/harness/until.ts'

const leaderOf = async (cluster: QueueCluster, queue: Queue<number>): Promise<NodeProcess> => {
  const { partition_list: partitions } = await queue.status()
  const leader = cluster.running.find(({ id }) => id === partitions[0]?.leader)
  assert.ok(leader !== undefined)
  return leader
}

test('decision Q6: the leader is killed again and again under work: no send fails, all are handled, in order, and none is there twice', async (t) => {
  await using cluster = await QueueCluster.start()
  await using sync = await connect({ queue: cluster.nodes.map(({ url }) => url), timeoutMs: 30_000 })
  const numbers = sync.queue<number>('numbers')
  await numbers.create()
  const handled = new Map<number, Set<string>>()
  const last = new Map<string, number>()
  const disorder: string[] = []
  await using worker = numbers.work(
    ({ payload, id, key, deliveryCount }) => {
      const before = last.get(key ?? '') ?? -1
      // One that comes again may be older than what was done since: its ack was lost with the leader.
      if (payload < before && deliveryCount === 1) disorder.push(`${key}: ${payload} after ${before}`)
      last.set(key ?? '', Math.max(before, payload))
      handled.set(payload, (handled.get(payload) ?? new Set()).add(id))
    },
    { concurrency: 16, visibilityTimeoutMs: 5_000 },
  )
  await using producer = new SdkNumberSender(numbers, handled)
  for (let kill = 0; kill < 3; kill++) {
    await until('messages flow', () => handled.size > 100)
    const leader = await leaderOf(cluster, numbers)
    const before = handled.size
    const killedAt = performance.now()
    await leader.kill('SIGKILL')
    await until('messages flow again', () => handled.size > before + 200, 30_000)
    t.diagnostic(`messages flow ${(performance.now() - killedAt).toFixed(0)} ms after the kill`)
    leader.start()
    await cluster.ready()
  }
  await producer.stop()
  await until('all that was sent is handled', () => [...producer.sent.keys()].every((number) => handled.has(number)), 30_000)
  await worker.stop()
  assert.deepEqual([producer.failures, disorder], [[], []])
  const doubled = [...handled].filter(([, ids]) => ids.size > 1).map(([number]) => number)
  assert.deepEqual(doubled, [], 'a message that was sent again has one id')
  const wrong = [...producer.sent].filter(([number, id]) => handled.get(number)?.has(id) !== true).map(([number]) => number)
  assert.deepEqual(wrong, [], 'the id of a send is that of its message')
  t.diagnostic(`${producer.sent.size} messages`)
})

const sleeper = join(import.meta.dirname, '..', 'harness', 'sdk-queue-sleeper.ts')

test('a consumer that was stopped beyond its leases knows at once that it has nothing, and its ack is refused', async () => {
  await using cluster = await QueueCluster.start()
  const urls = cluster.nodes.map(({ url }) => url)
  await using sync = await connect({ queue: urls })
  const jobs = sync.queue<string>('jobs')
  await jobs.sendBatch([{ payload: 'asked' }, { payload: 'listened' }])
  const child = spawn(process.execPath, [sleeper, urls.join(','), '2000'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value))
  try {
    assert.deepEqual(await line(), { asked: 'asked', listened: 'listened' })
    child.kill('SIGSTOP')
    const taken: string[] = []
    while (taken.length < 2) {
      const messages = await jobs.receive({ max: 2, waitMs: 10_000 })
      taken.push(...messages.map(({ payload, deliveryCount }) => `${payload} ${deliveryCount}`))
    }
    assert.deepEqual(taken.toSorted(), ['asked 2', 'listened 2'])
    child.kill('SIGCONT')
    assert.deepEqual(await line(), { isHeld: false, aborted: true, reason: 'lease_expired', ack: 'stale_receipt' })
  } finally {
    child.kill('SIGKILL')
    await ended
  }
})

test('a worker keeps what takes longer than its lease, and stops when all that it has begun is done', async () => {
  await using cluster = await QueueCluster.start()
  await using sync = await connect({ queue: cluster.nodes.map(({ url }) => url) })
  const slow = sync.queue<string>('slow')
  await slow.sendBatch([{ payload: 'long' }, { payload: 'never begun' }])
  const begun = Promise.withResolvers<AbortSignal>()
  const finish = Promise.withResolvers<void>()
  const worker = slow.work(
    async ({ payload }, { signal }) => {
      assert.equal(payload, 'long')
      begun.resolve(signal)
      await finish.promise
    },
    { visibilityTimeoutMs: 3_000 },
  )
  const signal = await begun.promise
  const [other] = await slow.receive({ waitMs: 100 })
  assert.equal(other?.payload, 'never begun')
  await other.release({ delayMs: 60_000 })
  // Twice its lease: nobody else gets it.
  assert.deepEqual(await slow.receive({ waitMs: 6_000 }), [])
  const stopped = worker.stop()
  finish.resolve()
  await stopped
  assert.equal(signal.aborted, false)
  const { ready, in_flight: inFlight, delayed } = await slow.status()
  assert.deepEqual([ready, inFlight, delayed], [0, 0, 1])
})

test('a graceful stop of each node in turn: no send and no message fails', async () => {
  await using cluster = await QueueCluster.start()
  await using sync = await connect({ queue: cluster.nodes.map(({ url }) => url), timeoutMs: 30_000 })
  const numbers = sync.queue<number>('rolling')
  await numbers.create()
  const handled = new Set<number>()
  const errors: string[] = []
  await using worker = numbers.work(({ payload }) => handled.add(payload), {
    concurrency: 8,
    onError: (error) => errors.push(String(error)),
  })
  await using producer = new SdkNumberSender(numbers, handled)
  for (const node of cluster.nodes) {
    const before = handled.size
    await until('messages flow', () => handled.size > before + 100)
    await node.kill('SIGTERM')
    node.start()
    await cluster.ready()
  }
  await producer.stop()
  await until('all that was sent is handled', () => [...producer.sent.keys()].every((number) => handled.has(number)), 30_000)
  await worker.stop()
  assert.deepEqual([producer.failures, errors], [[], []])
})
