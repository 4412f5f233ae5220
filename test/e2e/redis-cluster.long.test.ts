import { Prng } from '#base/prng.ts'
import { RedisClient } from '#io/redis/redis-client.ts'
import { parseRedisPlace } from '#io/redis/redis-place.ts'
import { systemClock } from '#io/system-clock.ts'
import { conformRedisSlots } from '#test/conformance/redis-slots.ts'
import { RedisMasters } from '#test/harness/redis-masters.ts'
import { withoutRedis } from '#test/harness/redis-process.ts'

function clientOf(url: string): RedisClient {
  const place = parseRedisPlace(url)
  if (!place.ok) throw new Error(place.error)
  const durability = { replicas: 0, relaxed: false }
  return new RedisClient({ place: place.value, cluster: 'c', durability, clock: systemClock, prng: new Prng(1) })
}

conformRedisSlots(
  'real Redis Cluster',
  async () => {
    const masters = await RedisMasters.start()
    return { connect: () => clientOf(masters.url), restart: () => masters.restart(), dispose: () => masters.dispose() }
  },
  withoutRedis,
)
