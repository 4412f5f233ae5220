import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientPeer } from '#ports/client.ts'
import { queueLimits } from '#core/queue/limits.ts'
import { QueueWorld } from '#test/harness/queue-world.ts'
import type { QueueClientMessage, QueueServerMessage, SentMessage } from '#wire/queue-client-message.ts'
import { queueServiceLimits, queueSlots } from './limits.ts'

type Told<Type extends QueueServerMessage['type']> = Extract<QueueServerMessage, { readonly type: Type }>

/** A client of one node, without a network between them. */
class Visitor {
  readonly peer: ClientPeer<QueueClientMessage>
  readonly said: QueueServerMessage[] = []
  producer = 'p'
  readonly #world: QueueWorld

  constructor(world: QueueWorld, node: string) {
    this.#world = world
    this.peer = world.get(node).server.clients.serve({ send: (message) => void this.said.push(message), close: () => {} })
  }

  async told<Type extends QueueServerMessage['type']>(call: number, type: Type): Promise<Told<Type>> {
    const isIt = (message: QueueServerMessage): message is Told<Type> => message.type === type && 'call' in message && message.call === call
    await this.#world.until(`call ${call} is told ${type}`, () => this.said.some(isIt))
    return this.said.find(isIt) as Told<Type>
  }

  produce(call: number, sequence: number, ...bodies: readonly Uint8Array[]): void {
    this.send(
      call,
      sequence,
      bodies.map((body) => messageOf(body)),
    )
  }

  send(call: number, sequence: number, messages: readonly SentMessage[]): void {
    this.peer.received({ type: 'produce', call, queue: 'q', producer: { id: this.producer, partition: 0, sequence }, messages })
  }

  consume(call: number, waitMs: number): void {
    this.peer.received({ type: 'consume', call, queue: 'q', consumer: 'c', max: 10, waitMs, visibilityMs: 30_000 })
  }
}

const messageOf = (body: Uint8Array, headers: SentMessage['headers'] = []): SentMessage => ({
  key: null,
  priority: 0,
  delayMs: 0,
  deliverAt: null,
  ttlMs: null,
  dedupeId: null,
  headers,
  body,
})

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

test('a client is told first who leads which slot, and then what changes', async () => {
  const world = await QueueWorld.start()
  const visitor = new Visitor(world, 'n1')
  const leadersOf = (messages: readonly QueueServerMessage[]): ReadonlyMap<number, string | null> =>
    new Map(
      messages.flatMap((message) => (message.type === 'leaders' ? message.leaders.map(({ slot, node }) => [slot, node] as const) : [])),
    )
  const first = leadersOf(visitor.said)
  assert.equal(first.size, queueSlots)
  for (const [slot, node] of first) assert.equal(node, (await world.leaderOf(slot)).name)
  const gone = 'n3'
  assert.ok([...first.values()].includes(gone))
  world.crash(world.get(gone))
  await world.until('others lead', () => ![...leadersOf(visitor.said).values()].includes(gone))
})

test('decision Q6: a batch that comes again by another node is answered as the first time', async () => {
  const world = await QueueWorld.start()
  const [one, two] = [new Visitor(world, 'n1'), new Visitor(world, 'n2')]
  one.produce(1, 1, json('a'), json('b'))
  const { results } = await one.told(1, 'produced')
  two.produce(7, 1, json('a'), json('b'))
  assert.deepEqual((await two.told(7, 'produced')).results, results)
  two.produce(8, 3, json('c'))
  assert.equal((await two.told(8, 'failed')).code, 'out_of_sequence')
  one.consume(2, 0)
  assert.equal((await one.told(2, 'delivered')).messages.length, 2)
})

test('decision Q10: who is gone is delivered nothing; a wait that is left, or whose node stops, is answered with what is true', async () => {
  const world = await QueueWorld.start()
  const [one, two] = [new Visitor(world, 'n1'), new Visitor(world, 'n2')]
  one.peer.received({ type: 'locate', call: 1, queue: 'q', create: true, fresh: false })
  assert.equal((await one.told(1, 'located')).partitions, 1)
  one.consume(2, 60_000)
  one.consume(3, 60_000)
  await world.run(50)
  one.peer.received({ type: 'leave', call: 2 })
  assert.deepEqual((await one.told(2, 'delivered')).messages, [])
  one.peer.gone()
  two.consume(4, 60_000)
  await world.run(50)
  world.get('n2').server.clients.going()
  assert.deepEqual((await two.told(4, 'delivered')).messages, [])
  assert.ok(two.said.some(({ type }) => type === 'going'))
  two.produce(5, 1, json('once'))
  await two.told(5, 'produced')
  await world.run(100)
  two.consume(6, 0)
  const [message] = (await two.told(6, 'delivered')).messages
  assert.deepEqual([message?.deliveries, message?.failures], [1, 0])
})

test('a connection has so many bytes of batches under way, and what is over is refused before anything is done', async () => {
  const world = await QueueWorld.start()
  const visitor = new Visitor(world, 'n1')
  const large = new Uint8Array(1_048_576).fill(0x31)
  const fitting = queueServiceLimits.bytesPerClientMax / (4 * large.length)
  const batch = Array.from({ length: 4 }, () => large)
  for (let call = 1; call <= fitting + 1; call++) {
    visitor.producer = `p${call}`
    visitor.produce(call, 1, ...batch)
  }
  assert.equal((await visitor.told(fitting + 1, 'failed')).code, 'overloaded')
  await visitor.told(fitting, 'produced')
  visitor.produce(fitting + 2, 1, ...batch)
  await visitor.told(fitting + 2, 'produced')
})

test('headers count among the bytes under way', async () => {
  const world = await QueueWorld.start()
  const visitor = new Visitor(world, 'n1')
  const headers = Array.from({ length: queueLimits.headersMax }, (_, at) => ({
    name: `h${at}`,
    value: 'x'.repeat(queueLimits.headerValueBytesMax),
  }))
  const batch = Array.from({ length: 20 }, () => messageOf(json(1), headers))
  const bytes = batch.length * queueLimits.headersMax * queueLimits.headerValueBytesMax
  const calls = Math.floor(queueServiceLimits.bytesPerClientMax / bytes) + 1
  for (let call = 1; call <= calls; call++) {
    visitor.producer = `p${call}`
    visitor.send(call, 1, batch)
  }
  const refused = visitor.said.flatMap((message) => (message.type === 'failed' ? [[message.call, message.code]] : []))
  assert.deepEqual(refused, [[calls, 'overloaded']])
})
