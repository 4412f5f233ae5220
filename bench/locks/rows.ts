import { LockCluster } from '#test/harness/lock-cluster.ts'
import type { ClientKind } from '#bench/locks/clients/kinds.ts'
import { hasSdk } from '#bench/locks/clients/sdk.ts'
import { EtcdServers } from '#bench/locks/peers/etcd-servers.ts'
import { RedisServers } from '#bench/locks/peers/redis-servers.ts'
import { isInstalled } from '#bench/locks/peers/server-processes.ts'

/** One line of the table: a service, and a way to use it. */
export interface Row {
  readonly name: string
  readonly kind: ClientKind
  readonly addresses: readonly string[]
  /** Of all servers behind it. */
  readonly pids: readonly number[]
  /** `shown` is what promises less than we do, and so is no measure of us. */
  readonly role: 'ours' | 'peer' | 'shown'
}

export interface Contest {
  readonly rows: readonly Row[]
  /** A line for each service that takes part, as read back from it just now. */
  readonly settings: () => Promise<readonly string[]>
}

export const peers = ['etcd', 'redlock', 'redis'] as const
export type Peer = (typeof peers)[number]

interface Entrant {
  readonly rows: readonly Row[]
  readonly settings: () => Promise<string>
}

/** Starts our nodes and those of the peers that are installed; all of them end with `cleanup`. */
export async function startContest(
  wanted: ReadonlySet<Peer>,
  cleanup: AsyncDisposableStack,
  say: (line: string) => void,
): Promise<Contest> {
  const entrants: Entrant[] = [await startOurs(cleanup)]
  const present = (command: string, packageName: string): boolean => {
    const found = isInstalled(command)
    if (!found) say(`${command} is not installed, so its rows are left out (Debian has it as ${packageName})`)
    return found
  }
  if (wanted.has('etcd') && present(EtcdServers.command, 'etcd-server')) entrants.push(await startEtcd(cleanup))
  if ((wanted.has('redlock') || wanted.has('redis')) && present(RedisServers.command, 'redis-server')) {
    if (wanted.has('redlock')) {
      entrants.push(await startRedis(cleanup, { kind: 'redlock', servers: 3, fsync: 'always', role: 'peer' }))
      entrants.push(await startRedis(cleanup, { kind: 'redlock', servers: 3, fsync: 'no', role: 'shown' }))
    }
    if (wanted.has('redis')) entrants.push(await startRedis(cleanup, { kind: 'redis', servers: 1, fsync: 'always', role: 'shown' }))
  }
  return {
    rows: entrants.flatMap(({ rows }) => rows),
    settings: () => Promise.all(entrants.map(({ settings }) => settings())),
  }
}

async function startOurs(cleanup: AsyncDisposableStack): Promise<Entrant> {
  const cluster = cleanup.use(await LockCluster.start())
  const leader = await cluster.settledLeader()
  const pids = cluster.nodes.map(({ pid }) => pid as number)
  const all = cluster.nodes.map(({ options: { address } }) => address)
  const row = (name: string, kind: ClientKind, addresses: readonly string[]): Row => ({ name, kind, addresses, pids, role: 'ours' })
  return {
    rows: [
      row('ours, HTTP to the leader', 'http', [leader.options.address]),
      row('ours, HTTP to all three', 'http', all),
      ...(hasSdk() ? [row('ours, library', 'sdk', all)] : []),
    ],
    settings: async () => `ours × ${pids.length}: the default store, every answer synced on a majority`,
  }
}

async function startEtcd(cleanup: AsyncDisposableStack): Promise<Entrant> {
  const servers = cleanup.use(new EtcdServers())
  await servers.start()
  const addresses = [(await servers.leader()) ?? '']
  const { pids } = servers
  return {
    rows: [
      { name: 'etcd, Node client lock()', kind: 'etcd', addresses, pids, role: 'peer' },
      { name: 'etcd, lock service', kind: 'etcd-rpc', addresses, pids, role: 'peer' },
    ],
    settings: () => servers.settings(),
  }
}

interface RedisPart {
  readonly kind: 'redlock' | 'redis'
  readonly servers: number
  readonly fsync: 'always' | 'no'
  readonly role: 'peer' | 'shown'
}

async function startRedis(cleanup: AsyncDisposableStack, { kind, servers: count, fsync, role }: RedisPart): Promise<Entrant> {
  const servers = cleanup.use(new RedisServers(count, fsync))
  await servers.start()
  const { addresses, pids } = servers
  const what = kind === 'redlock' ? 'redlock' : 'one Redis'
  return {
    rows: [{ name: `${what}, fsync ${fsync}`, kind, addresses, pids, role }],
    settings: () => servers.settings(),
  }
}
