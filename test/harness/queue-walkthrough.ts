import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { NodeProcess } from './node-process.ts'
import type { QueueCluster } from './queue-cluster.ts'
import type { Reply } from './service-cluster.ts'

interface Stop {
  readonly cluster: QueueCluster
  readonly node: NodeProcess
  readonly second: NodeProcess
  readonly third: NodeProcess
  readonly name: string
  readonly engine: 'embedded' | 'redis'
}

const idOf = ({ body }: Reply): string => (body as { readonly message_id: string }).message_id
const errorOf = ({ body }: Reply): { readonly code: string } => (body as { readonly error: { readonly code: string } }).error

const stops: readonly (readonly [claim: string, visit: (stop: Stop) => Promise<void>])[] = [
  [
    'produce, consume and ack, each on another node',
    async ({ cluster, node, second, third, name }) => {
      const queue = `orders@${name}`
      const produced = await cluster.post(node, '/produce', { queue, message: 'New order #123' })
      const { message_id: id, node: leader, ...rest } = produced.body as { readonly message_id: string; readonly node: string }
      assert.deepEqual([produced.status, rest], [200, { status: 'enqueued', queue }])
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.match(leader, /^queue-node-[123]$/)

      const delivered = await cluster.post(second, '/consume', { queue, consumer_id: 'order_processor' })
      const { enqueued_at: at, visible_until: until, ...delivery } = delivered.body as Readonly<Record<string, unknown>>
      const shown = { status: 'delivered', message_id: id, message: 'New order #123', queue, delivery_count: 1, receipt: `${id}.1` }
      assert.deepEqual([delivered.status, delivery], [200, { ...shown, failed_count: 0, priority: 0 }])
      for (const instant of [at, until]) assert.match(String(instant), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)

      const acked = await cluster.post(third, '/ack', { message_id: id })
      assert.deepEqual([acked.status, acked.body], [200, { status: 'acknowledged' }])
      const empty = await cluster.post(node, '/consume', { queue, consumer_id: 'order_processor' })
      assert.deepEqual([empty.status, empty.body], [200, { status: 'empty', message: null }])
      const again = await cluster.post(node, '/ack', { message_id: id })
      assert.deepEqual([again.status, errorOf(again).code], [404, 'unknown_message'])
    },
  ],
  [
    'a message is delivered byte for byte as it was sent',
    async ({ node, second, name }) => {
      const queue = `bytes@${name}`
      const message = '{"n":1e400, "big":12345678901234567890,"text":"\\u0000 ä \\ud83d"}'
      const produced = await fetch(`${node.url}/produce`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `{"queue":${JSON.stringify(queue)},"message":${message}}`,
      })
      assert.equal(produced.status, 200)
      const consumed = await fetch(`${second.url}/consume`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ queue, consumer_id: 'c' }),
      })
      assert.ok((await consumed.text()).includes(`"message":${message},`))
    },
  ],
  [
    'a long poll on one node is answered by a message that comes by way of another',
    async ({ cluster, node, second, name }) => {
      const queue = `poll@${name}`
      await cluster.ask(node, 'PUT', `/queues/${encodeURIComponent(queue)}`, { body: {} })
      const waiting = cluster.post(node, '/consume', { queue, consumer_id: 'c', wait_ms: 20_000 })
      const produced = await cluster.post(second, '/produce', { queue, message: { n: 1 } })
      const delivered = await waiting
      assert.deepEqual([delivered.status, idOf(delivered)], [200, idOf(produced)])
      assert.equal((await cluster.post(second, '/nack', { receipt: `${idOf(produced)}.1`, kind: 'release' })).status, 200)
      const again = await cluster.post(node, '/consume', { queue, consumer_id: 'c', wait_ms: 5_000 })
      assert.equal((again.body as { readonly delivery_count: number }).delivery_count, 2)
    },
  ],
  [
    'many at once, in order, and what is left is shown by the status of every node',
    async ({ cluster, node, second, third, name, engine: wanted }) => {
      const queue = `many@${name}`
      const messages = Array.from({ length: 100 }, (_, n) => ({ message: n }))
      const produced = await cluster.post(node, '/produce', { queue, messages })
      assert.equal((produced.body as { readonly status: string }).status, 'enqueued')
      const delivered = await cluster.post(second, '/consume', { queue, consumer_id: 'c', max: 60 })
      const taken = (delivered.body as { readonly messages: readonly { readonly message: number; readonly receipt: string }[] }).messages
      assert.deepEqual(
        taken.map(({ message }) => message),
        messages.slice(0, 60).map(({ message }) => message),
      )
      const acked = await cluster.post(third, '/ack', { receipts: taken.slice(0, 20).map(({ receipt }) => receipt) })
      assert.equal((acked.body as { readonly status: string }).status, 'acknowledged')
      for (const each of [node, second, third]) {
        const { body } = await cluster.get(each, `/status?prefix=${encodeURIComponent(queue)}`)
        const { queues, ring, engine } = body as {
          readonly queues: readonly Readonly<Record<string, unknown>>[]
          readonly ring: { readonly slots: readonly object[] }
          readonly engine: string
        }
        assert.deepEqual([queues.length, ring.slots.length, engine], [1, 32, wanted])
        const { ready, in_flight: inFlight, delayed, dead, lag } = queues[0] ?? {}
        assert.deepEqual([ready, inFlight, delayed, dead, lag], [40, 40, 0, 0, 80])
      }
    },
  ],
  [
    'what is rejected is dead, can be seen, and comes back by a redrive',
    async ({ cluster, node, second, third, name }) => {
      const queue = `poison@${name}`
      const path = `/queues/${encodeURIComponent(queue)}`
      const produced = await cluster.post(node, '/produce', { queue, message: 'poison' })
      await cluster.post(second, '/consume', { queue, consumer_id: 'c' })
      const rejected = await cluster.post(third, '/nack', { receipt: `${idOf(produced)}.1`, kind: 'reject' })
      assert.deepEqual(rejected.body, { status: 'dead', message_id: idOf(produced) })
      const seen = await cluster.get(node, `${path}/peek?state=dead`)
      assert.deepEqual(
        (seen.body as { readonly messages: readonly { readonly message: string }[] }).messages.map(({ message }) => message),
        ['poison'],
      )
      const redriven = await cluster.post(second, `${path}/redrive`, {})
      assert.deepEqual(redriven.body, { status: 'done', queue, moved: 1 })
      assert.equal(idOf(await cluster.post(node, '/consume', { queue, consumer_id: 'c' })), idOf(produced))
    },
  ],
  [
    'a queue is made, changed and deleted, and its name begins anew',
    async ({ cluster, node, second, third, name }) => {
      const queue = `life/ü%@${name}`
      const path = `/queues/${encodeURIComponent(queue)}`
      const made = await cluster.ask(node, 'PUT', path, { body: { partitions: 4, max_failures: 3 } })
      assert.deepEqual([made.status, (made.body as { readonly status: string }).status], [201, 'created'])
      for (let n = 0; n < 8; n++) await cluster.post(second, '/produce', { queue, message: n, key: `k${n}` })
      const fixed = await cluster.ask(third, 'PUT', path, { body: { partitions: 5 } })
      assert.deepEqual([fixed.status, errorOf(fixed).code], [409, 'partitions_fixed'])
      const detail = await cluster.get(third, path)
      assert.equal((detail.body as { readonly ready: number }).ready, 8)
      const deleted = await cluster.ask(second, 'DELETE', path)
      assert.deepEqual([deleted.status, deleted.body], [200, { status: 'deleted', queue }])
      const gone = await cluster.post(node, '/consume', { queue, consumer_id: 'c' })
      assert.deepEqual([gone.status, errorOf(gone).code], [404, 'unknown_queue'])
      const anew = await cluster.post(third, '/produce', { queue, message: 'anew' })
      assert.equal(anew.status, 200, JSON.stringify(anew.body))
      const fresh = await cluster.post(node, '/consume', { queue, consumer_id: 'c', max: 10 })
      assert.deepEqual(
        (fresh.body as { readonly messages: readonly { readonly message: string }[] }).messages.map(({ message }) => message),
        ['anew'],
      )
    },
  ],
]

/** Every call of the walk-through, by way of every node. */
export async function walkThroughQueues(context: TestContext, cluster: QueueCluster, engine: Stop['engine']): Promise<void> {
  for (const [claim, visit] of stops) {
    await context.test(claim, async () => {
      const { nodes } = cluster
      for (const [at, node] of nodes.entries()) {
        const [second, third] = [nodes[(at + 1) % 3], nodes[(at + 2) % 3]] as [NodeProcess, NodeProcess]
        await visit({ cluster, node, second, third, name: node.options.id, engine })
      }
    })
  }
  await context.test('a node says what it is', async () => {
    for (const node of cluster.nodes) {
      const { status, body } = await cluster.get(node, '/')
      const {
        service,
        node_id: id,
        ring,
      } = body as { readonly service: string; readonly node_id: string; readonly ring: { readonly slot_count: number } }
      assert.deepEqual([status, service, id, ring.slot_count], [200, 'queue', node.options.id, 32])
      assert.equal((await cluster.get(node, '/openapi.json')).status, 200)
      assert.equal((await cluster.get(node, '/metrics')).status, 200)
    }
  })
}
