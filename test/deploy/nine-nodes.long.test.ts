import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '#test/harness/until.ts'
import type { TestContext } from 'node:test'
import { withoutRedis } from '#test/harness/redis-process.ts'
import { nodeServices } from './compose-file.ts'
import { ComposeWorld, withoutNetwork } from './compose-world.ts'
import { enterNetwork } from './container-network.ts'

const options = { skip: withoutNetwork === false ? withoutRedis : withoutNetwork, timeout: 200_000 }
const timeoutMs = 30_000

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

async function ask(url: string, body?: object): Promise<Answer> {
  const request = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(url, { ...request, signal: AbortSignal.timeout(timeoutMs) })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

const [lock1, lock2, lock3] = [1, 2, 3].map((at) => `http://lock-node-${at}:${8_000 + at}`) as [string, string, string]
const [queue1, queue2, queue3] = [1, 2, 3].map((at) => `http://queue-node-${at}:${9_000 + at}`) as [string, string, string]
const [cache1, cache2] = [1, 2].map((at) => `http://cache-node-${at}:${7_000 + at}`) as [string, string]

async function locks(t: TestContext): Promise<void> {
  await t.test('a lock is taken at one node, waited for at the next, released at the third', async () => {
    const want = { resource_id: 'db_table', lock_type: 'exclusive' }
    const { body: granted } = await ask(`${lock2}/acquire`, { ...want, client_id: 'client_A' })
    assert.equal(granted['status'], 'granted')
    const { status, body: queued } = await ask(`${lock1}/acquire`, { ...want, client_id: 'client_B' })
    assert.deepEqual([status, queued['status'], queued['position']], [202, 'queued', 1])
    const { body: released } = await ask(`${lock3}/release`, { resource_id: 'db_table', client_id: 'client_A' })
    assert.equal((released['granted_to'] as { readonly client_id: string }[])[0]?.client_id, 'client_B')
    const { body: view } = await ask(`${lock1}/locks`)
    assert.equal(view['node_id'], 'lock-node-1')
  })
}

async function queues(t: TestContext): Promise<void> {
  await t.test('a message is produced, consumed and acknowledged, each at another node, with the queues in Redis', async () => {
    const { body: produced } = await ask(`${queue1}/produce`, { queue: 'orders', message: 'New order #123' })
    const { body: message } = await ask(`${queue2}/consume`, { queue: 'orders', consumer_id: 'order_processor', wait_ms: 5_000 })
    assert.deepEqual([message['message_id'], message['message']], [produced['message_id'], 'New order #123'])
    const { body: acked } = await ask(`${queue3}/ack`, { message_id: message['message_id'] })
    assert.equal(acked['status'], 'acknowledged')
    const { body: status } = await ask(`${queue1}/status`)
    assert.equal(status['engine'], 'redis')
  })
}

async function caches(t: TestContext): Promise<void> {
  await t.test('a value that is written at one node is shared by the next, and invalidated when that writes', async () => {
    // Slots that have just been founded are handed to who is to lead them, and a new home knows of no copies.
    await until('a copy is shared', async () => {
      const { body: written } = await ask(`${cache1}/write/user_123`, { value: { name: 'Alice', score: 95 } })
      const { body: read } = await ask(`${cache2}/read/user_123`)
      assert.deepEqual([written['state'], read['value']], ['M', { name: 'Alice', score: 95 }])
      return read['state'] === 'S'
    })
    const { body: again } = await ask(`${cache2}/write/user_123`, { value: { name: 'Alice', score: 100 } })
    assert.deepEqual([again['state'], again['invalidated']], ['M', 1])
  })
}

test(
  'docker compose up: the nine nodes and Redis, each by its command and its environment, answer the first calls of the specification',
  options,
  async (t) => {
    await using world = new ComposeWorld()
    enterNetwork({ host: null, networkFile: world.networkFile })
    await world.up(Object.values(nodeServices).flatMap(({ nodes }) => nodes))
    assert.equal(world.containers.length, 9)
    await locks(t)
    await queues(t)
    await caches(t)
    await t.test('every container is healthy by the command of its health check', async () => {
      for (const container of world.containers) assert.ok(await container.isHealthy(), container.host)
    })
    await t.test('a node whose majority is gone is alive and not healthy', async () => {
      const [first, ...others] = world.containers.filter(({ host }) => host.startsWith('lock-node-'))
      await Promise.all(others.map((container) => container.kill()))
      assert.ok(first !== undefined)
      const isHealthy = async (): Promise<boolean> => first.isHealthy()
      while (await isHealthy()) assert.ok(!t.signal.aborted)
      assert.equal((await ask(`${first.url}/healthz`)).status, 200)
    })
  },
)
