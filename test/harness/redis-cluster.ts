import { Prng } from '#base/prng.ts'
import { RedisClient } from '#io/redis/redis-client.ts'
import { parseRedisPlace } from '#io/redis/redis-place.ts'
import { systemClock } from '#io/system-clock.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import type { RedisFatal } from '#runtime/redis-engine/redis-host.ts'
import { RedisNode } from '#runtime/redis-engine/redis-node.ts'
import { decodeRegisterAnswer, encodeRegisterCommand, RegisterMachine } from '#services/register/register-machine.ts'
import { LocalNetwork } from './local-transport.ts'
import { until } from './until.ts'

/** Nodes of the Redis engine in this process, with registers in one slot, on a real Redis. */
export class RedisCluster {
  readonly nodes: readonly RedisNode[]
  readonly fatal: RedisFatal[] = []
  readonly logged: string[] = []

  constructor(url: string, options: { readonly nodes?: number; readonly relaxed?: boolean; readonly replicas?: number } = {}) {
    const place = parseRedisPlace(url)
    if (!place.ok) throw new Error(place.error)
    const { nodes = 2, relaxed = false, replicas = 0 } = options
    const network = new LocalNetwork()
    this.nodes = Array.from({ length: nodes }, (_, at) => {
      const prng = new Prng(at + 1)
      const redis = new RedisClient({ place: place.value, cluster: 'test', durability: { replicas, relaxed }, clock: systemClock, prng })
      return new RedisNode(
        {
          name: `n${at}`,
          address: `n${at}:1`,
          slots: 1,
          compaction: { entries: 200, bytes: 1e9, keepEntries: 0 },
          machineVersion: 1,
          relaxed,
          replicas,
        },
        {
          clock: systemClock,
          redis,
          telemetry: { ...silentTelemetry, log: (level, event, fields) => this.logged.push(`${level} ${event} ${JSON.stringify(fields)}`) },
          prng,
          entropy: { hex: (bytes) => Array.from({ length: bytes }, () => prng.between(16, 255).toString(16)).join('') },
          connect: (self) => network.connect(self),
          machineFor: () => new RegisterMachine(),
        },
        (reason) => this.fatal.push(reason),
      )
    })
    for (const node of this.nodes) node.start()
  }

  get servers(): readonly RedisNode[] {
    return this.nodes.filter(({ host }) => host.slots.get(1)?.isServing === true)
  }

  serves(): Promise<void> {
    return until('the slot is served', () => this.servers.length === 1)
  }

  /** The sum; null when nobody knows what became of it. */
  add(at: number, timeoutMs = 10_000): Promise<number | null> {
    return new Promise((resolve) => {
      this.nodes[at]?.submit(1, encodeRegisterCommand({ type: 'add', key: 'k', by: 1 }), {
        timeoutMs,
        done: (outcome) => resolve(outcome.type === 'applied' ? decodeRegisterAnswer(outcome.answer).value : null),
      })
    })
  }

  /** Adds one after the other through every node until the work is done; all sums that were told. */
  async addDuring(work: () => Promise<void>): Promise<number[]> {
    const over = new AbortController()
    const sums: number[] = []
    const client = async (at: number): Promise<void> => {
      while (!over.signal.aborted) {
        const sum = await this.add(at)
        if (sum !== null) sums.push(sum)
      }
    }
    const clients = this.nodes.map((_, at) => client(at))
    await work()
    over.abort()
    await Promise.all(clients)
    return sums
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => new Promise<void>((resolve) => node.stop(resolve))))
  }
}
