import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '#index.ts'
import { withoutRedis } from '#test/harness/redis-process.ts'
import { SdkNumberSender } from '#test/harness/sdk-number-sender.ts'
import { until } from '#test/harness/until.ts'
import { nodeServices } from './compose-file.ts'
import { ComposeWorld, withoutNetwork } from './compose-world.ts'
import { enterNetwork } from './container-network.ts'
import { scaleUpAndDown } from './scale-walk.ts'

const options = { skip: withoutNetwork === false ? withoutRedis : withoutNetwork, timeout: 290_000 }

test(
  '--scale queue-node=5, with the queues in Redis: five join the three under load and go again; no call fails, nothing is lost',
  options,
  async (t) => {
    await using world = new ComposeWorld()
    enterNetwork({ host: null, networkFile: world.networkFile })
    await world.up(nodeServices.queue.nodes)
    await using sync = await connect({ queue: world.containers.map(({ url }) => url), timeoutMs: 60_000 })
    const numbers = sync.queue<number>('numbers')
    await numbers.create({ partitions: 4 })
    const handled = new Set<number>()
    const errors: string[] = []
    await using worker = numbers.work(({ payload }) => void handled.add(payload), {
      concurrency: 8,
      onError: (error) => errors.push(String(error)),
    })
    await using sender = new SdkNumberSender(numbers, handled)
    await scaleUpAndDown({
      world,
      scaled: nodeServices.queue.scaled,
      done: () => handled.size,
      failures: () => [...sender.failures, ...errors],
      engine: 'redis',
      t,
    })
    await sender.stop()
    await until('all that was sent is handled', () => [...sender.sent.keys()].every((number) => handled.has(number)), 60_000)
    await worker.stop()
    assert.deepEqual([sender.failures, errors], [[], []])
  },
)
