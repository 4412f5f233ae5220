import { LockCluster } from '#test/harness/lock-cluster.ts'
import { isPresent } from '#bench/contest/peers.ts'
import { RedisServers } from '#bench/contest/redis-servers.ts'
import type { Entrant, Row } from '#bench/contest/row.ts'
import type { ClientKind } from '#bench/locks/clients/kinds.ts'
import { hasSdk } from '#bench/locks/clients/sdk.ts'
import { EtcdServers } from '#bench/locks/peers/etcd-servers.ts'

export const peers = ['etcd', 'redlock', 'redis'] as const
type Peer = (typeof peers)[number]

type LockEntrant = Entrant<ClientKind>

/** Starts our nodes and those of the peers that are installed; all of them end with `cleanup`. */
export async function enter(
  wanted: ReadonlySet<Peer>,
  cleanup: AsyncDisposableStack,
  say: (line: string) => void,
): Promise<readonly LockEntrant[]> {
  const entrants = [await startOurs(cleanup)]
  if (wanted.has('etcd') && isPresent(EtcdServers.command, 'etcd-server', say)) entrants.push(await startEtcd(cleanup))
  if ((wanted.has('redlock') || wanted.has('redis')) && isPresent(RedisServers.command, 'redis-server', say)) {
    if (wanted.has('redlock')) {
      entrants.push(await startRedis(cleanup, { kind: 'redlock', servers: 3, fsync: 'always', role: 'peer' }))
      entrants.push(await startRedis(cleanup, { kind: 'redlock', servers: 3, fsync: 'no', role: 'shown' }))
    }
    if (wanted.has('redis')) entrants.push(await startRedis(cleanup, { kind: 'redis', servers: 1, fsync: 'always', role: 'shown' }))
  }
  return entrants
}

async function startOurs(cleanup: AsyncDisposableStack): Promise<LockEntrant> {
  const cluster = cleanup.use(await LockCluster.start())
  const leader = await cluster.settledLeader()
  const pids = cluster.nodes.map(({ pid }) => pid as number)
  const all = cluster.nodes.map(({ options: { address } }) => address)
  const row = (name: string, kind: ClientKind, addresses: readonly string[]): Row<ClientKind> => ({
    name,
    kind,
    addresses,
    pids,
    role: 'ours',
  })
  return {
    rows: [
      row('ours, HTTP to the leader', 'http', [leader.options.address]),
      row('ours, HTTP to all three', 'http', all),
      ...(hasSdk() ? [row('ours, library', 'sdk', all)] : []),
    ],
    settings: async () => `ours × ${pids.length}: the default store, every answer synced on a majority`,
  }
}

async function startEtcd(cleanup: AsyncDisposableStack): Promise<LockEntrant> {
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

async function startRedis(cleanup: AsyncDisposableStack, { kind, servers: count, fsync, role }: RedisPart): Promise<LockEntrant> {
  const servers = cleanup.use(new RedisServers(count, fsync))
  await servers.start()
  const { addresses, pids } = servers
  const what = kind === 'redlock' ? 'redlock' : 'one Redis'
  return {
    rows: [{ name: `${what}, fsync ${fsync}`, kind, addresses, pids, role }],
    settings: () => servers.settings(),
  }
}
