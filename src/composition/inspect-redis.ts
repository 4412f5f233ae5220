import { Prng } from '#base/prng.ts'
import { RedisClient } from '#io/redis/redis-client.ts'
import { systemClock } from '#io/system-clock.ts'
import type { ServerSettings } from '#ports/redis-slots.ts'
import { unsafeSettings } from '#runtime/redis-engine/settings.ts'
import type { RedisOptions } from './node-options.ts'
import { seed } from './served.ts'

export type RedisInspection =
  | { readonly type: 'reached'; readonly servers: readonly ServerSettings[]; readonly unsafe: readonly string[] }
  | { readonly type: 'not-reached'; readonly reason: string }

const limitMs = 5_000

/** Looks at the Redis that queues would be kept in, as a queue node does when it starts. Writes nothing. */
export function inspectRedis({ place, name: cluster, replicas, relaxed }: RedisOptions): Promise<RedisInspection> {
  const client = new RedisClient({ place, cluster, durability: { replicas, relaxed }, clock: systemClock, prng: new Prng(seed()) })
  return new Promise((resolve) => {
    let told = false
    const tell = (inspection: RedisInspection): void => {
      // To be stopped is an event too.
      if (told) return
      told = true
      cancel()
      client.stop(() => resolve(inspection))
    }
    const cancel = systemClock.after(limitMs, () => tell({ type: 'not-reached', reason: `no answer in ${limitMs} ms` }))
    client.start({
      up: ({ servers }) => tell({ type: 'reached', servers, unsafe: unsafeSettings(servers, replicas) }),
      down: (reason) => tell({ type: 'not-reached', reason }),
    })
  })
}
