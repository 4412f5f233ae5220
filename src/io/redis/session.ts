import { assert, present } from '#base/assert.ts'
import type { RedisSession } from '#ports/redis-slots.ts'
import { connect } from './connect.ts'
import { hashSlotOf } from './hash-slot.ts'
import { reasonOf, RedisFault } from './redis-fault.ts'
import type { Endpoint, RedisPlace } from './redis-place.ts'
import { Server } from './server.ts'
import type { Durability } from './server.ts'

/** Which server has which keys; all of them have all when there is one. */
interface Share {
  readonly from: number
  readonly to: number
  readonly server: Server
}

/** All servers that are needed, none of which changes while it lasts. */
export class Session {
  readonly #shares: readonly Share[]
  readonly servers: readonly Server[]

  private constructor(shares: readonly Share[]) {
    this.#shares = shares
    this.servers = [...new Set(shares.map(({ server }) => server))]
  }

  /** Rejects with a `RedisFault`. */
  static async open(place: RedisPlace, durability: Durability): Promise<Session> {
    if (place.kind === 'cluster') return new Session(await sharesOf(place, durability))
    const server = await Server.open(place, place.endpoints[0] as Endpoint, durability)
    return new Session([{ from: 0, to: hashSlotMax, server }])
  }

  get told(): RedisSession {
    return {
      identity: this.servers.map(({ info }) => info.identity).join(),
      servers: this.servers.map(({ settings }) => settings),
    }
  }

  start(ended: (reason: string) => void): void {
    for (const server of this.servers) server.start(ended)
  }

  close(): void {
    for (const server of this.servers) server.close()
  }

  /** The server with the keys of this tag. */
  serverOf(tag: string): Server {
    if (this.servers.length === 1) return this.servers[0] as Server
    const hashSlot = hashSlotOf(tag)
    const share = this.#shares.find(({ from, to }) => from <= hashSlot && hashSlot <= to)
    return present(share, 'a session has a server for every key').server
  }
}

const hashSlotMax = 16_383

async function sharesOf(place: RedisPlace, durability: Durability): Promise<readonly Share[]> {
  const ranges = await rangesOf(place)
  const covered = ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)
  if (covered !== hashSlotMax + 1) throw new RedisFault(`the Redis Cluster serves ${covered} of ${hashSlotMax + 1} hash slots`)
  const servers = new Map<string, Server>()
  try {
    for (const { endpoint } of ranges) {
      const name = `${endpoint.host}:${endpoint.port}`
      if (!servers.has(name)) servers.set(name, await Server.open(place, endpoint, durability))
    }
  } catch (error) {
    for (const server of servers.values()) server.close()
    throw error
  }
  return ranges.map(({ from, to, endpoint }) => ({ from, to, server: servers.get(`${endpoint.host}:${endpoint.port}`) as Server }))
}

interface Range {
  readonly from: number
  readonly to: number
  readonly endpoint: Endpoint
}

/** Asks one node after the other for the map of the cluster. */
async function rangesOf(place: RedisPlace): Promise<readonly Range[]> {
  assert(place.endpoints.length > 0, 'a cluster has nodes')
  const problems: string[] = []
  for (const endpoint of place.endpoints) {
    try {
      const connection = await connect(place, endpoint)
      try {
        const slots = (await connection.cluster('SLOTS')) as unknown as [number, number, [string, number]][]
        return slots.map(([from, to, [host, port]]) => ({ from, to, endpoint: { host: host === '' ? endpoint.host : host, port } }))
      } finally {
        connection.disconnect()
      }
    } catch (error) {
      problems.push(reasonOf(error))
    }
  }
  throw new RedisFault(problems.join('; '))
}
