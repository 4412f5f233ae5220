import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventParser } from '#base/event-parser.ts'
import type { ServerEvent } from '#base/event-parser.ts'
import type { QueueDetail } from '#api/queues/queues.ts'
import type { NodeProcess } from '#test/harness/node-process.ts'
import { QueueCluster } from '#test/harness/queue-cluster.ts'
import { until } from '#test/harness/until.ts'

interface Scene {
  readonly cluster: QueueCluster
  readonly nodes: readonly [NodeProcess, NodeProcess, NodeProcess]
}

const viewOf = async ({ cluster, nodes: [node] }: Scene, queue: string): Promise<QueueDetail> =>
  (await cluster.get(node, `/queues/${queue}`)).body as QueueDetail

const waits = ({ consumers }: QueueDetail, id: string): boolean => consumers.some((each) => each.consumer_id === id && each.waiting)

async function* eventsOf(url: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
  const { status, body } = await fetch(url, { signal })
  assert.equal(status, 200)
  const parser = new EventParser()
  assert.ok(body !== null)
  for await (const piece of body.pipeThrough(new TextDecoderStream())) yield* parser.push(piece)
}

const visits: readonly (readonly [claim: string, visit: (scene: Scene) => Promise<void>])[] = [
  [
    'scenario lease: a long poll that is aborted leases nothing, whichever node it waited at',
    async (scene) => {
      const { cluster, nodes } = scene
      await cluster.ask(nodes[0], 'PUT', '/queues/aborted', { body: {} })
      for (const [at, node] of nodes.entries()) {
        const aborting = new AbortController()
        const left = cluster.post(node, '/consume', { queue: 'aborted', consumer_id: `left-${at}`, wait_ms: 60_000 }, aborting.signal)
        await until('it waits', async () => waits(await viewOf(scene, 'aborted'), `left-${at}`))
        aborting.abort()
        await assert.rejects(left)
        await until('it waits no more', async () => !waits(await viewOf(scene, 'aborted'), `left-${at}`))
        assert.equal((await cluster.post(nodes[0], '/produce', { queue: 'aborted', message: at })).status, 200)
        const { ready, in_flight: inFlight } = await viewOf(scene, 'aborted')
        assert.deepEqual([ready, inFlight], [1, 0])
        const { body } = await cluster.post(nodes[1], '/consume', { queue: 'aborted', consumer_id: 'stays' })
        const { message, message_id, delivery_count, failed_count } = body as Readonly<Record<string, unknown>>
        assert.deepEqual([message, delivery_count, failed_count], [at, 1, 0])
        await cluster.post(node, '/ack', { message_id })
      }
    },
  ],
  [
    'a stream brings what is there and what comes, as much as its credit, and the next one the rest',
    async (scene) => {
      const { cluster, nodes } = scene
      const produce = (...messages: readonly string[]): Promise<unknown> =>
        cluster.post(nodes[0], '/produce', { queue: 'streamed', messages: messages.map((message) => ({ message })) })
      await produce('there')
      const closing = new AbortController()
      const stream = (at: NodeProcess, credit: number): AsyncGenerator<ServerEvent> =>
        eventsOf(`${at.url}/consume/stream?queue=streamed&consumer_id=reader&credit=${credit}`, closing.signal)
      const seen: unknown[] = []
      for await (const { type, data } of stream(nodes[1], 3)) {
        const { message, reason } = JSON.parse(data) as { readonly message?: string; readonly reason?: string }
        seen.push(type === 'message' ? message : reason)
        if (seen.length === 1) await produce('comes', 'too', 'is left', 'also')
      }
      assert.deepEqual(seen, ['there', 'comes', 'too', 'credit'])
      const { ready, in_flight: inFlight } = await viewOf(scene, 'streamed')
      assert.deepEqual([ready, inFlight], [2, 3])
      const rest: unknown[] = []
      for await (const { type, data } of stream(nodes[2], 100)) {
        assert.equal(type, 'message')
        rest.push((JSON.parse(data) as { readonly message: string }).message)
        if (rest.length === 2) break
      }
      closing.abort()
      assert.deepEqual(rest, ['is left', 'also'])
      await until('nobody reads', async () => !waits(await viewOf(scene, 'streamed'), 'reader'))
      await produce('nobody’s')
      assert.equal((await viewOf(scene, 'streamed')).ready, 1)
    },
  ],
]

test('who waits for messages over HTTP gets them, and who left gets none', async (t) => {
  await using cluster = await QueueCluster.start()
  const nodes = cluster.nodes as Scene['nodes']
  for (const [claim, visit] of visits) await t.test(claim, () => visit({ cluster, nodes }))
})
