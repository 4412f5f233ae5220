import { isPresent } from '#bench/contest/peers.ts'
import type { Fsync } from '#bench/contest/redis-servers.ts'
import { RedisServers } from '#bench/contest/redis-servers.ts'
import type { Entrant, Row } from '#bench/contest/row.ts'
import type { ClientKind } from '#bench/queues/clients/kinds.ts'
import { NatsServers } from '#bench/queues/peers/nats-servers.ts'
import { RabbitmqServers } from '#bench/queues/peers/rabbitmq-servers.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import type { Workload } from './workloads.ts'

/** What goals are about. */
export const rowNames = {
  library: 'ours, library',
  rabbitmq: 'RabbitMQ quorum × 3, acks not confirmed',
  jetstream: 'JetStream R3, no fsync, acks not confirmed',
} as const

export const peers = ['rabbitmq', 'jetstream', 'bullmq'] as const
type Peer = (typeof peers)[number]

type QueueEntrant = Entrant<ClientKind>
type Say = (line: string) => void

/** Starts our nodes and those of the peers that are installed; all of them end with `cleanup`. */
export async function enter(wanted: ReadonlySet<Peer>, cleanup: AsyncDisposableStack, say: Say): Promise<readonly QueueEntrant[]> {
  const entrants = [await startOurs(cleanup)]
  if (wanted.has('rabbitmq') && isPresent(RabbitmqServers.command, 'rabbitmq-server', say)) entrants.push(await startRabbitmq(cleanup))
  if (wanted.has('jetstream') && isPresent(NatsServers.command, 'nats-server', say)) entrants.push(await startJetstream(cleanup))
  if (wanted.has('bullmq') && isPresent(RedisServers.command, 'redis-server', say)) {
    for (const fsync of ['always', 'everysec'] as const) entrants.push(await startBullmq(cleanup, fsync))
  }
  return entrants
}

/** What a client has no way to do otherwise than another row does, or than it does itself in another workload, is measured once. */
export function takesPart({ kind }: Pick<Row<ClientKind>, 'kind'>, { work, batch }: Pick<Workload, 'work' | 'batch'>): boolean {
  if (kind === 'jetstream-confirmed') return work !== 'produce'
  if (kind === 'bullmq') return work !== 'consume' || batch === 1
  return true
}

async function startOurs(cleanup: AsyncDisposableStack): Promise<QueueEntrant> {
  const cluster = cleanup.use(await QueueCluster.start())
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
    rows: [row('ours, HTTP to one node', 'http', all.slice(0, 1)), row(rowNames.library, 'sdk', all)],
    settings: async () => `ours × ${pids.length}: the default store, every answer synced on a majority; queues of one partition`,
  }
}

async function startRabbitmq(cleanup: AsyncDisposableStack): Promise<QueueEntrant> {
  const servers = cleanup.use(new RabbitmqServers())
  await servers.start()
  const { pids, addresses } = servers
  return {
    rows: [{ name: rowNames.rabbitmq, kind: 'rabbitmq', addresses: addresses.slice(0, 1), pids, role: 'peer' }],
    settings: () => servers.settings(),
  }
}

async function startJetstream(cleanup: AsyncDisposableStack): Promise<QueueEntrant> {
  const servers = cleanup.use(new NatsServers())
  await servers.start()
  const { pids, addresses } = servers
  return {
    rows: [
      { name: rowNames.jetstream, kind: 'jetstream', addresses, pids, role: 'shown' },
      { name: 'JetStream R3, no fsync, confirmed acks', kind: 'jetstream-confirmed', addresses, pids, role: 'shown' },
    ],
    settings: () => servers.settings(),
  }
}

async function startBullmq(cleanup: AsyncDisposableStack, fsync: Fsync): Promise<QueueEntrant> {
  const servers = cleanup.use(new RedisServers(1, fsync))
  await servers.start()
  const { addresses, pids } = servers
  return {
    rows: [{ name: `BullMQ, one Redis, fsync ${fsync}`, kind: 'bullmq', addresses, pids, role: 'shown' }],
    settings: () => servers.settings(),
  }
}
