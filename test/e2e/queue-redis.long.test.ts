import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import { drain, judge, Producer } from '#test/harness/queue-load.ts'
import { visitLibrary } from '#test/harness/queue-library.ts'
import { walkThroughQueues } from '#test/harness/queue-walkthrough.ts'
import { RedisProcess, withoutRedis } from '#test/harness/redis-process.ts'
import { until } from '#test/harness/until.ts'

const options = { skip: withoutRedis, timeout: 90_000 }

interface Setting extends AsyncDisposable {
  readonly redis: RedisProcess
  readonly cluster: QueueCluster
}

/** Three queue nodes on a Redis of their own. */
async function start(redisArgs: readonly string[] = RedisProcess.durable): Promise<Setting> {
  const redis = await RedisProcess.start(redisArgs)
  const cluster = await QueueCluster.onRedis(redis.url)
  return {
    redis,
    cluster,
    [Symbol.asyncDispose]: async () => {
      await cluster[Symbol.asyncDispose]()
      await redis.dispose()
    },
  }
}

async function started(): Promise<Setting> {
  const setting = await start()
  await setting.cluster.ready()
  return setting
}

interface Ring {
  readonly nodes: readonly { readonly node_id: string; readonly leads: number }[]
  readonly slots: readonly { readonly slot: number; readonly owner: string | null }[]
}

async function ringAt(cluster: QueueCluster, node: NodeProcess): Promise<Ring> {
  const { body } = await cluster.get(node, '/status')
  return (body as { readonly ring: Ring }).ring
}

/** Why a node is not ready; null when it is. */
async function notReady(cluster: QueueCluster, node: NodeProcess): Promise<string | null> {
  const { status, body } = await cluster.get(node, '/readyz')
  return status === 200 ? null : (body as { readonly error: { readonly message: string } }).error.message
}

test('the queue calls of the walk-through answer on every node as they are written, with the queues in Redis', options, async (context) => {
  await using setting = await started()
  const { cluster, redis } = setting
  await walkThroughQueues(context, cluster, 'redis')
  await context.test('slots are spread over the nodes, and every node tells the same of their owners', async () => {
    const [first, ...others] = await Promise.all(cluster.nodes.map((node) => ringAt(cluster, node)))
    for (const ring of others) assert.deepEqual(ring.slots, first?.slots)
    for (const { leads } of first?.nodes ?? []) assert.ok(leads > 0 && leads <= 14)
    for (const node of cluster.nodes) {
      const { body } = await cluster.get(node, '/cluster')
      const { engine, slots } = body as { readonly engine: string; readonly slots: readonly { readonly role: string }[] }
      assert.equal(engine, 'redis')
      assert.ok(slots.length > 0 && slots.every(({ role }) => role === 'leader'))
      const metrics = await cluster.get(node, '/metrics', 'text/plain')
      assert.match(String(metrics.body), /^lockstep_redis_connected\{[^}]*\} 1$/m)
      assert.match(String(metrics.body), new RegExp(`^lockstep_redis_slots_owned\\{[^}]*\\} ${slots.length}$`, 'm'))
      const refused = String(metrics.body).matchAll(/^lockstep_metrics_refused_total\{.*$/gm)
      assert.deepEqual(Array.from(refused, String), [])
    }
  })
  await context.test('the catalogue is a slot like the others, and a person can read who owns it', async () => {
    assert.match(await redis.ask('HGET lockstep:{queues:33}:slot owner'), /queue-node-[123]\/[0-9a-f]{16}/)
  })
})

test('the client library sends, receives and works as with the embedded engine, with the queues in Redis', options, async (context) => {
  await using setting = await started()
  await visitLibrary(context, setting.cluster)
})

test(
  'kill -9 of the node that owns the queue, under load: another has it within 5 s, and nothing acknowledged is lost',
  options,
  async () => {
    await using setting = await started()
    const { cluster } = setting
    const [node] = cluster.nodes as [NodeProcess]
    await until('slots have come to rest', async () => (await ringAt(cluster, node)).nodes.every(({ leads }) => leads > 0 && leads <= 14))
    await using producer = new Producer(cluster, 8)
    await until('messages flow', () => producer.acknowledged.size > 100)
    const { body } = await cluster.get(node, '/queues/orders')
    const owner = (body as { readonly partition_list: readonly { readonly leader: string }[] }).partition_list[0]?.leader
    const victim = cluster.nodes.find(({ options: { id } }) => id === owner) as NodeProcess
    await victim.kill('SIGKILL')
    const killedAt = performance.now()
    const before = producer.acknowledged.size
    await until('messages flow again', () => producer.acknowledged.size > before + 20, 5_000)
    console.log(`messages flowed again after ${Math.round(performance.now() - killedAt)} ms`)
    await until('others own all of its slots', async () => {
      const { slots } = await ringAt(cluster, cluster.running[0] as NodeProcess)
      return slots.every(({ owner: each }) => each !== null && each !== owner)
    })
    await until('more messages', () => producer.acknowledged.size > before + 100)
    await producer.stop()
    judge(producer, await drain(cluster))
    victim.start()
    await cluster.ready()
    await until('a node that is back has its share again, and no other has too much', async () => {
      const { nodes } = await ringAt(cluster, victim)
      return nodes.length === 3 && nodes.every(({ leads }) => leads > 0 && leads <= 14)
    })
  },
)

test('a node that is told to stop hands its slots over at once', options, async () => {
  await using setting = await started()
  const { cluster } = setting
  const [first, second] = cluster.nodes as [NodeProcess, NodeProcess]
  await first.kill('SIGTERM')
  const stoppedAt = performance.now()
  assert.deepEqual(first.ending, { code: 0, signal: null })
  await until('others have all slots', async () => {
    const { slots } = await ringAt(cluster, second)
    return slots.every(({ owner }) => owner !== null && owner !== first.id) && (await notReady(cluster, second)) === null
  })
  const tookMs = performance.now() - stoppedAt
  assert.ok(tookMs < 2_000, `it took ${tookMs} ms, as if the node had died`)
})

test('kill -9 of all nodes, under load: what was acknowledged is there when they are back', options, async () => {
  await using setting = await started()
  const { cluster } = setting
  await using producer = new Producer(cluster, 8)
  await until('messages flow', () => producer.acknowledged.size > 200)
  await Promise.all(cluster.nodes.map((node) => node.kill('SIGKILL')))
  await producer.stop()
  for (const node of cluster.nodes) node.start()
  await cluster.ready()
  judge(producer, await drain(cluster))
})

test(
  'Redis is killed, and ends without a last write, under load: nothing acknowledged is lost, and nodes say that they wait',
  options,
  async () => {
    await using setting = await started()
    const { cluster, redis } = setting
    await using producer = new Producer(cluster, 8)
    for (const end of ['kill', 'shutDown'] as const) {
      const before = producer.acknowledged.size
      await until('messages flow', () => producer.acknowledged.size > before + 100)
      await redis[end]()
      await Promise.all(
        cluster.nodes.map(async (node) => {
          await until('it says why it is not ready', async () => /Redis cannot be used/.test((await notReady(cluster, node)) ?? ''))
          const { status, body } = await cluster.post(node, '/produce', { queue: 'orders', message: 'none' })
          assert.ok(status === 503 || status === 504, `nothing is acknowledged without Redis: ${status} ${JSON.stringify(body)}`)
        }),
      )
      await redis.run()
      await cluster.ready()
    }
    const before = producer.acknowledged.size
    await until('messages flow', () => producer.acknowledged.size > before + 100)
    await producer.stop()
    const taken = await drain(cluster)
    judge(
      producer,
      taken.filter((message) => String(message) !== 'none'),
    )
  },
)

test('a Redis with unsafe settings keeps nodes from being ready, by the name of the setting, until it is mended', options, async () => {
  await using setting = await start(['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'allkeys-lru'])
  const { cluster, redis } = setting
  const [node] = cluster.nodes as [NodeProcess]
  await until('it is refused', async () => (await notReady(cluster, node))?.includes('unsafe settings') === true, 40_000)
  const why = (await notReady(cluster, node)) ?? ''
  assert.match(why, /appendfsync is everysec, and must be always/)
  assert.match(why, /maxmemory-policy is allkeys-lru, and must be noeviction/)
  assert.ok(!why.includes('appendonly'))
  assert.ok((await cluster.post(node, '/produce', { queue: 'q', message: 1 })).status >= 500)
  await redis.ask('CONFIG SET appendfsync always')
  await redis.ask('CONFIG SET maxmemory-policy noeviction')
  await cluster.ready()
  assert.equal((await cluster.post(node, '/produce', { queue: 'q', message: 1 })).status, 200)
})

test('unsafe settings that are wanted are taken, and /status says that nothing is certain', options, async () => {
  const redis = await RedisProcess.start(['--appendonly', 'no'])
  try {
    await using cluster = await QueueCluster.onRedis(redis.url, ['--redis-durability', 'relaxed'])
    await cluster.ready()
    const { body } = await cluster.get(cluster.nodes[0] as NodeProcess, '/status')
    const { storage } = body as { readonly storage: { readonly durable: boolean; readonly warnings: readonly string[] } }
    assert.equal(storage.durable, false)
    assert.match(storage.warnings.join(), /appendonly is no, and must be yes/)
  } finally {
    await redis.dispose()
  }
})

/** Of somebody else's programs, or nobody's: some with names like ours, none of the type that ours have. */
const foreign = [
  'SET queue:orders text',
  'SET queues text',
  'RPUSH lockstep:queues a b',
  'SET lockstep:{queues}:queues text',
  'RPUSH lockstep:{queues:7}:queue a b',
  'SET lockstep:{queues:99}:slot text',
  'RPUSH lockstep:{other}:members a b',
  'SET lockstep:{other:7}:slot text',
] as const

test(
  'defect 11: keys of others in the same Redis, also with names like ours and of other types, are left alone and no call fails for them',
  options,
  async () => {
    const redis = await RedisProcess.start()
    try {
      for (const command of foreign.slice(0, 4)) assert.match(await redis.ask(command), /^(?:\+OK|:2)$/)
      await using cluster = await QueueCluster.onRedis(redis.url)
      await cluster.ready()
      for (const command of foreign.slice(4)) assert.match(await redis.ask(command), /^(?:\+OK|:2)$/)
      const [first, second] = cluster.nodes as [NodeProcess, NodeProcess]
      assert.equal((await cluster.post(first, '/produce', { queue: 'orders', message: 1 })).status, 200)
      for (const node of cluster.nodes) {
        for (const accept of ['application/json', 'text/plain']) assert.equal((await cluster.get(node, '/metrics', accept)).status, 200)
        const { status, body } = await cluster.get(node, '/status')
        assert.equal(status, 200)
        const { queues } = body as { readonly queues: readonly { readonly queue: string; readonly ready: number }[] }
        assert.deepEqual(
          queues.map(({ queue, ready }) => [queue, ready]),
          [['orders', 1]],
        )
      }
      const { body } = await cluster.post(second, '/consume', { queue: 'orders', consumer_id: 'c' })
      assert.equal((body as { readonly message: unknown }).message, 1)
      for (const command of foreign) {
        const [write, key = ''] = command.split(' ')
        assert.equal(await redis.ask(`TYPE ${key}`), write === 'SET' ? '+string' : '+list', key)
      }
    } finally {
      await redis.dispose()
    }
  },
)

test(
  'defect 11: a key of ours that somebody has overwritten is named as the reason, no call fails with 500, and all goes on when it is back',
  options,
  async () => {
    await using setting = await started()
    const { cluster, redis } = setting
    const [first] = cluster.nodes as [NodeProcess]
    assert.equal((await cluster.post(first, '/produce', { queue: 'orders', message: 1 })).status, 200)
    const [slot, aside] = ['lockstep:{queues:5}:slot', 'lockstep:{queues:5}:aside']
    assert.equal(await redis.ask(`RENAME ${slot} ${aside}`), '+OK')
    assert.equal(await redis.ask(`SET ${slot} text`), '+OK')
    for (const node of cluster.nodes) {
      await until('it says why it is not ready', async () => /WRONGTYPE/.test((await notReady(cluster, node)) ?? ''))
      for (const accept of ['application/json', 'text/plain']) assert.equal((await cluster.get(node, '/metrics', accept)).status, 200)
      const { status, body } = await cluster.get(node, '/status')
      assert.ok(status === 200 || status === 503, `${status} ${JSON.stringify(body)}`)
      assert.deepEqual(node.ending, null)
    }
    assert.equal(await redis.ask(`RENAME ${aside} ${slot}`), '+OK')
    await cluster.ready()
    const { body } = await cluster.post(first, '/consume', { queue: 'orders', consumer_id: 'c', wait_ms: 20_000 })
    assert.equal((body as { readonly message: unknown }).message, 1)
  },
)
