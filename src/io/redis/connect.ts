import { Redis } from 'ioredis'
import type { RedisOptions } from 'ioredis'
import { redisLimits } from './limits.ts'
import { reasonOf, RedisFault } from './redis-fault.ts'
import type { Endpoint, RedisPlace } from './redis-place.ts'

/**
 * One connection that is never made again and never sends again (decision Q4): a client that reconnects by itself would have a later confirmation stand
 * for a write that another connection made.
 */
export async function connect(place: RedisPlace, endpoint: Endpoint): Promise<Redis> {
  const redis = new Redis(optionsOf(place, endpoint))
  let problem: unknown = null
  // Without a listener the client would write it to the console. Whoever owns the connection hears of its end.
  redis.on('error', (error: unknown) => {
    problem ??= error
  })
  try {
    await redis.connect()
    return redis
  } catch (error) {
    redis.disconnect()
    throw new RedisFault(`${endpoint.host}:${endpoint.port}: ${reasonOf(problem ?? error)}`, { cause: error })
  }
}

function optionsOf(
  { kind, endpoints, masterName, username, password, database, tls }: RedisPlace,
  endpoint: Endpoint,
): Omit<RedisOptions, 'replyMapping'> {
  const where: RedisOptions =
    kind === 'sentinel'
      ? {
          sentinels: [...endpoints],
          name: masterName ?? '',
          role: 'master',
          sentinelRetryStrategy: () => null,
          enableTLSForSentinelMode: tls,
        }
      : { host: endpoint.host, port: endpoint.port }
  return {
    ...where,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    db: database,
    protocol: 2,
    connectionName: 'lockstep',
    lazyConnect: true,
    connectTimeout: redisLimits.connectMs,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableAutoPipelining: false,
  }
}
