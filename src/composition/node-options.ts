import type { Timing } from '#core/cluster/types.ts'
import type { DeadlockMode } from '#core/lock/types.ts'
import type { TlsFiles } from '#io/listener/certificates.ts'
import type { RedisPlace } from '#io/redis/redis-place.ts'

/** All that one node has to be told. */
export interface NodeOptions {
  readonly service: 'lock' | 'queue' | 'cache' | 'register'
  readonly id: string
  readonly listen: { readonly host: string; readonly port: number }
  /** `host:port`, where other nodes find this one. */
  readonly address: string
  /** Addresses of the initial voters, this node's own included, sorted; none for a node that joins. */
  readonly voters: readonly string[]
  readonly seeds: readonly string[]
  /** The folder of its store; null: it keeps everything in memory, and a node that ends has lost it. */
  readonly data: string | null
  /** Where it keeps its slots, if `data` is a folder: there too, or in memory, and then a restart has lost them (decision C12). */
  readonly store: 'disk' | 'memory'
  /** How many lines a cache node keeps; null: as many as usual. */
  readonly linesMax: number | null
  /** Whom the homes on a cache node ask about a key: who may have it, or everybody. */
  readonly snoops: 'filter' | 'broadcast'
  /** For the values of a cache, with all its slots; null: as much as usual. */
  readonly valueBytesMax: number | null
  /** Whether values of a cache make room for others, or others are refused. */
  readonly whenFull: 'lru' | 'refuse'
  /** Whose wait ends in a deadlock between clients of the locks, or how such are prevented. */
  readonly deadlockPolicy: DeadlockMode
  readonly slots: number
  readonly secret: string | null
  /** Null for HTTP, and for connections between nodes, without TLS. */
  readonly tls: TlsFiles | null
  readonly timing: Timing
  readonly logLevel: string
  /** How long it may take to leave its cluster when it is told to stop; null: it stays a member. */
  readonly leaveMs: number | null
  /** A member that is silent for so long is taken for dead. */
  readonly deadAfterMs: number
  readonly access: AccessOptions
  /** `host:port` of the nodes that the console of this one shows, as a browser reaches them; none: those of its cluster. */
  readonly consolePeers: readonly string[]
  /** Where everything is kept that is not kept in `data`; null for the embedded engine. */
  readonly redis: RedisOptions | null
}

/** Who may use the node, and how much of it. */
interface AccessOptions {
  /** The file of tokens; null where everybody may do everything. */
  readonly tokens: string | null
  /** Requests of each caller; null for as many as they like. */
  readonly ratePerSecond: number | null
  /** That may be open at one time. */
  readonly connectionsPerAddress: number
}

export interface RedisOptions {
  readonly place: RedisPlace
  /** What the keys of this cluster begin with. */
  readonly name: string
  /** How many replicas of Redis must confirm each write. */
  readonly replicas: number
  /** Settings of Redis that lose what was answered are taken. */
  readonly relaxed: boolean
}
