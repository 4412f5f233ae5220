import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { RedisCluster } from '#test/harness/redis-cluster.ts'
import { RedisProcess, withoutRedis } from '#test/harness/redis-process.ts'
import { until } from '#test/harness/until.ts'

const options = { skip: withoutRedis, timeout: 60_000 }

/** What was told is there, and was carried out once. */
async function judge(cluster: RedisCluster, sums: readonly number[]): Promise<void> {
  equal(new Set(sums).size, sums.length, 'every sum is told once')
  const last = await cluster.add(0)
  ok(last !== null && last > Math.max(...sums), 'whatever was told is there')
  console.log(`${sums.length} additions were answered, the register holds ${last}`)
}

test(
  'decision Q4: a Redis that is killed under load, three times, loses nothing that was answered and repeats nothing',
  options,
  async () => {
    const redis = await RedisProcess.start()
    const cluster = new RedisCluster(redis.url)
    try {
      await cluster.serves()
      const sums = await cluster.addDuring(async () => {
        for (const end of ['kill', 'shutDown', 'kill'] as const) {
          const before = await cluster.add(0)
          ok(before !== null)
          await until('there is load', async () => ((await cluster.add(0)) ?? 0) > before + 100)
          await redis[end]()
          await redis.run()
          await cluster.serves()
        }
      })
      ok(sums.length > 150)
      await judge(cluster, sums)
    } finally {
      await cluster.stop()
      await redis.dispose()
    }
  },
)

test('a Redis whose settings are unsafe is refused by the name of the setting, and taken when that is wanted', options, async () => {
  const redis = await RedisProcess.start(['--appendonly', 'yes', '--appendfsync', 'everysec'])
  const [strict, relaxed] = [new RedisCluster(redis.url, { nodes: 1 }), new RedisCluster(redis.url, { nodes: 1, relaxed: true })]
  try {
    const why = (): string => strict.nodes[0]?.standing.notReadyBecause ?? ''
    await until('it is refused', () => why().includes('appendfsync'))
    match(why(), /appendfsync is everysec, and must be always/)
    deepEqual(strict.servers, [])
    await relaxed.serves()
    equal(await relaxed.add(0), 1)
  } finally {
    await Promise.all([strict.stop(), relaxed.stop()])
    await redis.dispose()
  }
})

test('a Redis that hangs is given up, and nothing is answered until it has come back', options, async () => {
  const redis = await RedisProcess.start()
  const cluster = new RedisCluster(redis.url)
  try {
    await cluster.serves()
    equal(await cluster.add(0), 1)
    redis.signal('SIGSTOP')
    const late = cluster.add(1, 20_000)
    await until('nobody serves', () => cluster.servers.length === 0)
    redis.signal('SIGCONT')
    equal(await late, 2)
    equal(await cluster.add(0), 3)
  } finally {
    redis.signal('SIGCONT')
    await cluster.stop()
    await redis.dispose()
  }
})

test('decision Q3: a replica that Sentinel promotes without the last entries gets them from their owner', options, async () => {
  const master = await RedisProcess.start()
  const replica = await RedisProcess.start([...RedisProcess.durable, '--replicaof', '127.0.0.1', String(master.port)])
  const sentinel = await RedisProcess.sentinel('watched', master.port)
  // The replica is not waited for, on purpose.
  const cluster = new RedisCluster(`redis+sentinel://127.0.0.1:${sentinel.port}/watched`, { relaxed: true })
  try {
    await until('the replica follows', async () => (await replica.info()).includes('master_link_status:up'))
    await until('Sentinel knows the replica', async () => (await sentinel.info()).includes('slaves=1'))
    await cluster.serves()
    const first = await cluster.add(0)
    await until('the replica has it', async () => (await replica.ask('HGET lockstep:{test:1}:slot tail')).length > 0)
    // It cannot follow any more, and Sentinel goes on seeing it.
    await replica.ask('CONFIG SET masterauth wrong')
    await master.ask('CLIENT KILL TYPE replica')
    await until('the replica is cut off', async () => (await replica.info()).includes('master_link_status:down'))
    const sums = [first]
    for (let count = 0; count < 50; count++) sums.push(await cluster.add(count % 2))
    await master.kill()
    await until('the replica is promoted', async () => (await replica.info()).includes('role:master'), 30_000)
    await cluster.serves()
    await judge(cluster, sums.map(Number))
    ok(
      cluster.logged.some((line) => line.includes('entries-restored')),
      'entries were missing and were appended again',
    )
  } finally {
    await cluster.stop()
    await Promise.all([sentinel.dispose(), replica.dispose(), master.dispose()])
  }
})
