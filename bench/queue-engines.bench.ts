import { parseArgs } from 'node:util'
import { HttpConnection } from '#bench/kit/http-connection.ts'
import { percentile } from '#bench/kit/stats.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import { RedisProcess } from '#test/harness/redis-process.ts'

/**
 * What three queue nodes take over HTTP with each engine, side by side: messages of 256 bytes to twelve queues, one or a hundred a request, then
 * what it takes to receive and acknowledge them. Clients, nodes and Redis (`appendfsync always`) share one machine.
 */
const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, clients: { type: 'string', default: '64' } },
})
const forMs = Number(options.seconds) * 1_000
const clients = Number(options.clients)
const queues = 12
const body = 'x'.repeat(254)

/** What a client does, and how many messages it moved; null when it was refused. */
type Work = (connection: HttpConnection, client: number) => Promise<number | null>

/** Null when it was refused. */
async function post(connection: HttpConnection, path: string, request: object): Promise<unknown> {
  const { status, text } = await connection.post(path, JSON.stringify(request))
  return status === 200 ? JSON.parse(text) : null
}

const produce =
  (count: number): Work =>
  async (connection, client) => {
    const queue = `q${client % queues}`
    const one = { message: body }
    const request = count === 1 ? { queue, ...one } : { queue, messages: Array.from({ length: count }, () => one) }
    return (await post(connection, '/produce', request)) === null ? null : count
  }

const consumeAndAck: Work = async (connection, client) => {
  const queue = `q${client % queues}`
  const consumed = await post(connection, '/consume', { queue, consumer_id: `c${client}`, max: 100 })
  if (consumed === null) return null
  const { messages = [] } = consumed as { readonly messages?: readonly { readonly receipt: string }[] }
  if (messages.length === 0) return 0
  const acked = await post(connection, '/ack', { receipts: messages.map(({ receipt }) => receipt) })
  return acked === null ? null : messages.length
}

async function measure(name: string, nodes: readonly NodeProcess[], work: Work): Promise<void> {
  const connections = await Promise.all(
    Array.from({ length: clients }, (_, client) => HttpConnection.open((nodes[client % nodes.length] as NodeProcess).options.address)),
  )
  const end = performance.now() + forMs
  const tookMs: number[] = []
  let moved = 0
  let refused = 0
  const run = async (connection: HttpConnection, client: number): Promise<void> => {
    while (performance.now() < end) {
      const began = performance.now()
      const count = await work(connection, client)
      moved += count ?? 0
      if (count === null) refused++
      tookMs.push(performance.now() - began)
    }
  }
  await Promise.all(connections.map(run))
  for (const connection of connections) connection.close()
  const [half, most] = [percentile(tookMs, 0.5), percentile(tookMs, 0.99)]
  const rate = Math.round((moved / forMs) * 1_000)
  process.stdout.write(
    `${name.padEnd(34)} ${String(rate).padStart(7)} messages/s, p50 ${half.toFixed(1)} ms, p99 ${most.toFixed(1)} ms, ${refused} refused\n`,
  )
}

async function measureAll(engine: string, cluster: QueueCluster): Promise<void> {
  await cluster.ready()
  const { nodes } = cluster
  await measure(`${engine}: produce, one a request`, nodes, produce(1))
  await measure(`${engine}: produce, 100 a request`, nodes, produce(100))
  await measure(`${engine}: consume and ack, 100 each`, nodes, consumeAndAck)
}

{
  await using cluster = await QueueCluster.start()
  await measureAll('embedded', cluster)
}
const redis = await RedisProcess.start()
try {
  await using cluster = await QueueCluster.onRedis(redis.url)
  await measureAll('redis', cluster)
} finally {
  await redis.dispose()
}
