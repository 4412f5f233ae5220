import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '#index.ts'
import { growAndShrink, passLeadershipOn, replaceDead, restartAll } from '#test/harness/cluster-walk.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import { SdkNumberSender } from '#test/harness/sdk-number-sender.ts'
import { until } from '#test/harness/until.ts'

const walks = [passLeadershipOn, growAndShrink, replaceDead, restartAll]

/** Longer than others take: every step waits for replicas that move. */
const timeout = 280_000

test(
  'nodes come, go, die and are restarted while messages flow: no call of the library fails, and nothing is lost',
  { timeout },
  async (t) => {
    await using cluster = await QueueCluster.start()
    await using sync = await connect({ queue: cluster.nodes.map(({ url }) => url), timeoutMs: 60_000 })
    const numbers = sync.queue<number>('numbers')
    await numbers.create({ partitions: 4 })
    const handled = new Map<number, Set<string>>()
    const errors: string[] = []
    await using worker = numbers.work(({ payload, id }) => void handled.set(payload, (handled.get(payload) ?? new Set()).add(id)), {
      concurrency: 8,
      onError: (error) => errors.push(String(error)),
    })
    await using sender = new SdkNumberSender(numbers, handled)
    const view = { done: () => handled.size, failures: sender.failures }
    for (const walk of walks) await walk({ cluster, load: view, t })
    await sender.stop()
    await until('all that was sent is handled', () => [...sender.sent.keys()].every((number) => handled.has(number)), 60_000)
    await worker.stop()
    assert.deepEqual([sender.failures, errors], [[], []])
    const doubled = [...handled].filter(([, ids]) => ids.size > 1).map(([number]) => number)
    assert.deepEqual(doubled, [], 'a message that was sent again has one id')
    t.diagnostic(`${sender.sent.size} messages`)
  },
)
