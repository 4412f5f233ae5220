import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '#base/prng.ts'
import { systemClock } from '#io/system-clock.ts'
import { conformRedisSlots } from '#test/conformance/redis-slots.ts'
import { batchBehind, done, nobody, ownedBy, promised, start, TestClient } from '#test/conformance/redis-slots-kit.ts'
import { RedisProcess, withoutRedis } from '#test/harness/redis-process.ts'
import { until } from '#test/harness/until.ts'
import { RedisClient } from './redis-client.ts'
import { parseRedisPlace } from './redis-place.ts'
import { Server } from './server.ts'

function clientOf(url: string, replicas = 0): RedisClient {
  const place = parseRedisPlace(url)
  if (!place.ok) throw new Error(place.error)
  return new RedisClient({
    place: place.value,
    cluster: 'c',
    durability: { replicas, relaxed: false },
    clock: systemClock,
    prng: new Prng(1),
  })
}

conformRedisSlots(
  'real Redis',
  async () => {
    const redis = await RedisProcess.start()
    return {
      connect: () => clientOf(redis.url),
      restart: async () => {
        await redis.kill()
        await redis.run()
      },
      dispose: () => redis.dispose(),
    }
  },
  withoutRedis,
)

test(
  'decision Q4: a write that too few replicas have is not confirmed, nor is one that was there already',
  { skip: withoutRedis },
  async () => {
    const redis = await RedisProcess.start()
    const [alone, demanding] = [new TestClient(clientOf(redis.url)), new TestClient(clientOf(redis.url, 1))]
    try {
      await Promise.all([alone.isUp(), demanding.isUp()])
      await done((reply) => alone.slots.claim(1, nobody, 'a/1', reply))
      const [own, batch] = [ownedBy('a/1', 1), batchBehind(start, 'x', 1)]
      for (let attempt = 0; attempt < 2; attempt++) {
        equal((await promised((reply) => demanding.slots.append(1, own, batch, reply))).type, 'unconfirmed')
      }
      equal(await done((reply) => alone.slots.append(1, own, batch, reply)), 'written')
    } finally {
      await Promise.all([alone.stop(), demanding.stop()])
      await redis.dispose()
    }
  },
)

test(
  'decision Q4: a batch that is there already is written to all the same, so that its confirmation covers it',
  { skip: withoutRedis },
  async () => {
    const redis = await RedisProcess.start()
    const [first, second] = [new TestClient(clientOf(redis.url)), new TestClient(clientOf(redis.url))]
    let replica: RedisProcess | null = null
    const offset = async (): Promise<number> => Number(/master_repl_offset:(\d+)/.exec(await redis.ask('INFO replication'))?.[1])
    try {
      await Promise.all([first.isUp(), second.isUp()])
      replica = await RedisProcess.start([...RedisProcess.durable, '--replicaof', '127.0.0.1', String(redis.port)])
      await until('a replica counts what is written', async () => (await redis.ask('INFO replication')).includes('state=online'))
      await done((reply) => first.slots.claim(1, nobody, 'a/1', reply))
      const [own, batch] = [ownedBy('a/1', 1), batchBehind(start, 'x', 1)]
      await done((reply) => first.slots.append(1, own, batch, reply))
      const before = await offset()
      equal(await done((reply) => second.slots.append(1, own, batch, reply)), 'written')
      ok((await offset()) > before, 'the second append has written')
    } finally {
      await Promise.all([first.stop(), second.stop()])
      await Promise.all([replica?.dispose(), redis.dispose()])
    }
  },
)

test('what is stored is readable by a person', { skip: withoutRedis }, async () => {
  const redis = await RedisProcess.start()
  const client = new TestClient(clientOf(redis.url))
  try {
    await client.isUp()
    await done((reply) => client.slots.claim(1, nobody, 'a/1', reply))
    await done((reply) => client.slots.append(1, ownedBy('a/1', 1), batchBehind(start, 'x', 1), reply))
    ok((await redis.ask('HGET lockstep:{c:1}:slot owner')).endsWith('a/1'))
    ok((await redis.ask('HGET lockstep:{c:1}:log 1')).includes('1 1.5 1700000000001 x '))
  } finally {
    await client.stop()
    await redis.dispose()
  }
})

test('a record that no member has written is left out of the members and named', { skip: withoutRedis, timeout: 30_000 }, async () => {
  const redis = await RedisProcess.start()
  const client = new TestClient(clientOf(redis.url))
  try {
    await client.isUp()
    await redis.ask('HSET lockstep:{c}:members b/2 nonsense')
    const member = { id: 'a/1', address: 'host:1', version: 1, beat: 1 }
    deepEqual(await done((reply) => client.slots.beat(member, reply)), [member])
    deepEqual(client.slots.unreadable, ['b/2'])
  } finally {
    await client.stop()
    await redis.dispose()
  }
})

test('an answer that cannot be understood ends the connections and not the process', { skip: withoutRedis, timeout: 30_000 }, async () => {
  const redis = await RedisProcess.start()
  try {
    const place = parseRedisPlace(redis.url)
    ok(place.ok)
    const [endpoint] = place.value.endpoints
    ok(endpoint !== undefined)
    const server = await Server.open(place.value, endpoint, { replicas: 0, relaxed: false })
    const reason = await new Promise((resolve) => {
      server.start(resolve)
      server.read('PING', [], () => {
        throw new Error('no such answer')
      })
    })
    match(String(reason), /no such answer$/)
  } finally {
    await redis.dispose()
  }
})
