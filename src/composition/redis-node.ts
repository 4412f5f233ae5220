import { Prng } from '#base/prng.ts'
import { RedisClient } from '#io/redis/redis-client.ts'
import { systemClock } from '#io/system-clock.ts'
import { TcpTransport, refusePeers } from '#io/transport/tcp-transport.ts'
import type { NodeKey, Transport } from '#ports/transport.ts'
import { defaultCompaction } from '#runtime/limits.ts'
import type { RedisFatal } from '#runtime/redis-engine/redis-host.ts'
import { RedisNode } from '#runtime/redis-engine/redis-node.ts'
import { redisMetrics } from '#services/common/redis-metrics.ts'
import type { StorageUse } from '#services/queue/viewing.ts'
import type { Door } from './door.ts'
import type { NodeOptions, RedisOptions } from './node-options.ts'
import { serveQueues } from './queue-server.ts'
import { entropy, seed } from './served.ts'
import type { Hosted, Served } from './served.ts'

/** A queue node that keeps everything in Redis. */
export function redisNode(
  options: NodeOptions & { readonly version: string },
  redis: RedisOptions,
  { door, fatal }: { readonly door: Door; readonly fatal: (reason: RedisFatal) => void },
): Hosted {
  const { place, name: cluster, replicas, relaxed } = redis
  const clock = systemClock
  const client = new RedisClient({ place, cluster, durability: { replicas, relaxed }, clock, prng: new Prng(seed()) })
  const storage = async (): Promise<StorageUse> => ({ used: (await client.memory()) ?? 0, free: null, durable: !relaxed })
  const served = serveQueues({ storage, metrics: redisMetrics })({ ...options, hasRoom: () => true }, () => node, door.port)
  const { id: name, address, slots } = options
  const { telemetry, machineVersion, ports } = served
  const node = new RedisNode(
    { name, address, slots, compaction: defaultCompaction, machineVersion, relaxed, replicas },
    {
      clock,
      redis: client,
      telemetry,
      prng: new Prng(seed()),
      entropy,
      connect: (self, clusterId) => transportOf({ options, served, door }, { self, clusterId }),
      ...ports,
    },
    fatal,
  )
  return { served, node }
}

interface Hosting {
  readonly options: NodeOptions
  readonly served: Served
  readonly door: Door
}

/** Who dials this node before it has found its cluster is told that it starts. */
function transportOf(
  { options: { service, secret }, served: { http, telemetry }, door }: Hosting,
  { self, clusterId }: { readonly self: NodeKey; readonly clusterId: () => string | null },
): Transport {
  const { server } = http.fastify
  const acceptPeers = refusePeers(server)
  const transport = new TcpTransport({
    server,
    self,
    service,
    clusterId,
    secret,
    ...door.peers,
    clock: systemClock,
    telemetry,
    prng: new Prng(seed()),
  })
  return {
    start(handlers) {
      acceptPeers()
      transport.start(handlers)
    },
    setPeers: (peers) => transport.setPeers(peers),
    send: (to, lane, message) => transport.send(to, lane, message),
    stop: (done) => transport.stop(done),
  }
}
