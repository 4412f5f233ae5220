import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientKind } from '#bench/caches/clients/kinds.ts'
import { isPresent } from '#bench/contest/peers.ts'
import { RedisServers } from '#bench/contest/redis-servers.ts'
import type { Fsync } from '#bench/contest/redis-servers.ts'
import type { Entrant, Row } from '#bench/contest/row.ts'
import { CacheCluster } from '#test/harness/cache-cluster.ts'
import type { Workload } from './workloads.ts'

export const peers = ['memory', 'lru-cache', 'bentocache', 'node-redis', 'redis'] as const
type Peer = (typeof peers)[number]

type CacheEntrant = Entrant<ClientKind>
type Say = (line: string) => void

/** Starts our nodes and Redis, if it is installed; all of them end with `cleanup`. */
export async function enter(wanted: ReadonlySet<Peer>, cleanup: AsyncDisposableStack, say: Say): Promise<readonly CacheEntrant[]> {
  const entrants = [await startOurs(cleanup)]
  if (wanted.has('memory')) entrants.push(await startInMemory(cleanup))
  if (wanted.has('lru-cache')) entrants.push(inProcess)
  const kinds = kindsOnRedis.filter(({ peer }) => wanted.has(peer))
  if (kinds.length > 0 && isPresent(RedisServers.command, 'redis-server', say)) {
    for (const fsync of ['everysec', 'always'] as const) entrants.push(await startRedis(cleanup, fsync, kinds))
  }
  return entrants
}

/** What goals are about. */
export const rowNames = {
  library: 'ours, library',
  http: 'ours, HTTP',
  libraryInMemory: 'ours in memory, library',
  lruCache: 'lru-cache',
  bentocache: 'bentocache, memory and bus, fsync everysec',
  redis: 'ioredis, fsync everysec',
} as const

const works = {
  sdk: ['here', 'hit', 'owner', 'set', 'turns', 'stale'],
  http: ['hit', 'set', 'turns', 'stale'],
  'http-owner': ['set', 'turns'],
  map: ['here', 'owner'],
  'lru-cache': ['here', 'owner'],
  bentocache: ['hit', 'set', 'stale'],
  'node-redis': ['hit', 'set', 'stale'],
  ioredis: ['hit', 'set', 'turns', 'stale'],
} as const satisfies Readonly<Record<ClientKind, readonly Workload['work'][]>>

/** Lines that a node has room for. */
const nodeLines = 100_000

/** How values are kept makes no difference to who only reads; and a node that has no room for all keys has not read all of them before. */
export function takesPart(
  { kind, name }: Pick<Row<ClientKind>, 'kind' | 'name'>,
  { work, keys }: Pick<Workload, 'work' | 'keys'>,
): boolean {
  const mine: readonly Workload['work'][] = works[kind]
  if (!mine.includes(work) || (kind === 'http' && work === 'hit' && keys > nodeLines)) return false
  const isAboutKeeping = name.endsWith('fsync always') || name.startsWith(inMemory)
  return work === 'set' || work === 'turns' || !isAboutKeeping
}

const inMemory = 'ours in memory'

const reachOf = ({ nodes }: CacheCluster): Pick<Row, 'addresses' | 'pids'> => ({
  pids: nodes.map(({ pid }) => pid as number),
  addresses: nodes.map(({ options: { address } }) => address),
})

async function startInMemory(cleanup: AsyncDisposableStack): Promise<CacheEntrant> {
  const reach = reachOf(cleanup.use(await CacheCluster.start(['--store', 'memory'])))
  const row = (name: string, kind: ClientKind): Row<ClientKind> => ({ name, kind, ...reach, role: 'shown' })
  return {
    rows: [row(rowNames.libraryInMemory, 'sdk'), row(`${inMemory}, HTTP`, 'http')],
    settings: async () => 'ours in memory × 3: --store memory, writes in the memory of a majority',
  }
}

async function startOurs(cleanup: AsyncDisposableStack): Promise<CacheEntrant> {
  const reach = reachOf(cleanup.use(await CacheCluster.start()))
  const row = (name: string, kind: ClientKind): Row<ClientKind> => ({ name, kind, ...reach, role: 'ours' })
  return {
    rows: [row(rowNames.library, 'sdk'), row(rowNames.http, 'http'), row('ours, HTTP, level owner', 'http-owner')],
    settings: async () => `ours × ${reach.pids.length}: the default store, writes synced on a majority, but for the level owner`,
  }
}

const inProcess: CacheEntrant = {
  rows: (['lru-cache', 'map'] as const).map((kind) => ({
    name: kind === 'map' ? 'a Map' : rowNames.lruCache,
    kind,
    addresses: [],
    pids: [],
    role: 'shown',
  })),
  settings: async () => `lru-cache ${versionOf('lru-cache')}: in one process, known to nobody else`,
}

const kindsOnRedis = [
  { peer: 'redis', kind: 'ioredis', title: 'ioredis' },
  { peer: 'node-redis', kind: 'node-redis', title: 'node-redis, client-side cache' },
  { peer: 'bentocache', kind: 'bentocache', title: 'bentocache, memory and bus' },
] as const

async function startRedis(
  cleanup: AsyncDisposableStack,
  fsync: Fsync,
  kinds: readonly (typeof kindsOnRedis)[number][],
): Promise<CacheEntrant> {
  const servers = cleanup.use(new RedisServers(1, fsync))
  await servers.start()
  const { addresses, pids } = servers
  return {
    rows: kinds.map(({ kind, title }) => ({ name: `${title}, fsync ${fsync}`, kind, addresses, pids, role: 'shown' })),
    settings: async () =>
      `${await servers.settings()}; ioredis ${versionOf('ioredis')}, @redis/client ${versionOf('@redis/client')}, bentocache ${versionOf('bentocache')}`,
  }
}

function versionOf(name: string): string {
  const file = join(import.meta.dirname, '..', '..', 'node_modules', ...name.split('/'), 'package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version
}
