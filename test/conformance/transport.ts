import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Address, NodeKey, Peer, Transport } from '#ports/transport.ts'
import type { Recorder } from './transport-recorder.ts'
import { numbered, samples, sized } from './transport-samples.ts'

/** What every transport owes those above it, whatever it is made of. */

export interface TestNode {
  readonly key: NodeKey
  readonly address: Address
  readonly transport: Transport
  /** The handlers, already started. */
  readonly seen: Recorder
  stop(): Promise<void>
}

export interface TestNetwork {
  /** A node of one and the same cluster. */
  node(name: string): Promise<TestNode>
  /** Breaks every connection that is there now. */
  breakConnections(): void
  /** Stops all nodes. */
  close(): Promise<void>
}

export const peerOf = ({ key, address }: TestNode): Peer => ({ name: key.name, address })

/** Lists the nodes with each other and waits until all are up. */
export async function meet(...nodes: readonly TestNode[]): Promise<void> {
  for (const node of nodes) node.transport.setPeers(nodes.filter((other) => other !== node).map(peerOf))
  for (const node of nodes) {
    const others = nodes.filter((other) => other !== node)
    await node.seen.until(`${node.key.name} to meet the others`, () => others.every((other) => node.seen.isUp(other.key.name)))
  }
}

export function conformTransport(kind: string, create: () => TestNetwork): void {
  const check = (name: string, body: (network: TestNetwork) => Promise<void>): void => {
    test(name, { timeout: 30_000 }, async () => {
      const network = create()
      try {
        await body(network)
      } finally {
        await network.close()
      }
    })
  }
  describe(`${kind} transport`, () => {
    delivery(check)
    ordering(check)
    peers(check)
    endings(check)
  })
}

type Check = (name: string, body: (network: TestNetwork) => Promise<void>) => void

function delivery(check: Check): void {
  check('a message of every variant arrives as it was sent, with the key of its sender', async (network) => {
    const [one, two] = [await network.node('one'), await network.node('two')]
    await meet(one, two)
    for (const message of samples) one.transport.send('two', 'bulk', message)
    await two.seen.until('all samples', () => two.seen.messages.length === samples.length)
    assert.deepEqual(two.seen.messages, samples)
    for (const event of two.seen.events) if (event.type === 'message') assert.deepEqual(event.from, one.key)
  })

  check('a message of 8 MiB arrives', async (network) => {
    const [one, two] = [await network.node('one'), await network.node('two')]
    await meet(one, two)
    const large = sized(1, 8 * 1024 * 1024)
    one.transport.send('two', 'bulk', large)
    await two.seen.until('the message', () => two.seen.messages.length === 1)
    assert.deepEqual(two.seen.messages, [large])
  })

  check('three nodes all reach each other', async (network) => {
    const nodes = [await network.node('one'), await network.node('two'), await network.node('three')]
    await meet(...nodes)
    for (const [id, node] of nodes.entries()) {
      for (const other of nodes) if (other !== node) node.transport.send(other.key.name, 'urgent', numbered(id))
    }
    for (const node of nodes) await node.seen.until('two messages', () => node.seen.messages.length === 2)
    assert.deepEqual(
      nodes.map((node) => node.seen.ids.toSorted((left, right) => left - right)),
      [
        [1, 2],
        [0, 2],
        [0, 1],
      ],
    )
  })

  check('send to a peer that is not there is lost without notice', async (network) => {
    const one = await network.node('one')
    one.transport.setPeers([{ name: 'nobody', address: '127.0.0.1:1' }])
    one.transport.send('nobody', 'bulk', numbered(1))
    one.transport.send('stranger', 'urgent', numbered(2))
    assert.deepEqual(one.seen.events, [])
  })
}

function ordering(check: Check): void {
  check('messages of a lane arrive in order, at most once, also when they are long', async (network) => {
    const [one, two] = [await network.node('one'), await network.node('two')]
    await meet(one, two)
    for (let id = 0; id < 400; id++) {
      one.transport.send('two', 'bulk', id % 40 === 0 ? long(id) : numbered(id))
      one.transport.send('two', 'urgent', numbered(10_000 + id))
      if (id % 50 === 0) await new Promise((resolve) => void setImmediate(resolve))
    }
    await two.seen.until('800 messages', () => two.seen.messages.length >= 800)
    const { ids } = two.seen
    assert.deepEqual(
      ids.filter((id) => id < 10_000),
      Array.from({ length: 400 }, (_, id) => id),
    )
    assert.deepEqual(
      ids.filter((id) => id >= 10_000),
      Array.from({ length: 400 }, (_, id) => 10_000 + id),
    )
  })

  check('decision R7: an urgent message overtakes bulk ones sent before it', async (network) => {
    const [one, two] = [await network.node('one'), await network.node('two')]
    await meet(one, two)
    for (let id = 0; id < 50; id++) one.transport.send('two', 'bulk', long(id))
    one.transport.send('two', 'urgent', numbered(1_000))
    await two.seen.until('all messages', () => two.seen.messages.length === 51)
    assert.equal(two.seen.ids[0], 1_000)
  })

  check('no handler is called from within send', async (network) => {
    const [one, two] = [await network.node('one'), await network.node('two')]
    await meet(one, two)
    const before = two.seen.events.length
    one.transport.send('two', 'urgent', numbered(1))
    two.transport.send('one', 'urgent', numbered(2))
    assert.equal(two.seen.events.length, before)
    await two.seen.until('the message', () => two.seen.messages.length === 1)
  })
}

const long = (id: number): ReturnType<typeof numbered> => ({
  type: 'request',
  id,
  request: { type: 'propose', group: 1, commands: [new Uint8Array(150_000).fill(id)] },
})

function peers(check: Check): void {
  check('one end is enough to list the other: answers find their way back', async (network) => {
    const [one, two] = [await network.node('one'), await network.node('two')]
    one.transport.setPeers([peerOf(two)])
    await two.seen.until('up', () => two.seen.isUp('one'))
    two.transport.send('one', 'bulk', numbered(5))
    await one.seen.until('the answer', () => one.seen.messages.length === 1)
    assert.deepEqual(one.seen.ids, [5])
  })

  check('a peer taken off the list goes down, and comes up again when it is put back', async (network) => {
    const [one, two] = [await network.node('one'), await network.node('two')]
    one.transport.setPeers([peerOf(two)])
    await one.seen.until('up', () => one.seen.isUp('two'))
    one.transport.setPeers([])
    await one.seen.until('down', () => !one.seen.isUp('two'))
    await two.seen.until('down at the other end', () => !two.seen.isUp('one'))
    one.transport.setPeers([peerOf(two)])
    await one.seen.until('up again', () => one.seen.isUp('two'))
    assert.deepEqual(
      one.seen.events.map(({ type }) => type),
      ['up', 'down', 'up'],
    )
  })

  check('setting the same peers again disturbs nothing', async (network) => {
    const [one, two] = [await network.node('one'), await network.node('two')]
    await meet(one, two)
    for (let round = 0; round < 3; round++) one.transport.setPeers([peerOf(two)])
    one.transport.send('two', 'bulk', numbered(1))
    await two.seen.until('the message', () => two.seen.messages.length === 1)
    assert.deepEqual(
      two.seen.events.map(({ type }) => type),
      ['up', 'message'],
    )
  })
}

function endings(check: Check): void {
  check('connections that break are made again; up and down come in pairs, and nothing arrives twice', async (network) => {
    const [one, two] = [await network.node('one'), await network.node('two')]
    await meet(one, two)
    let id = 0
    for (let round = 0; round < 4; round++) {
      for (let count = 0; count < 100; count++) one.transport.send('two', 'bulk', numbered(id++))
      await new Promise((resolve) => void setImmediate(resolve))
      const downs = two.seen.downs.length
      network.breakConnections()
      await two.seen.until('down', () => two.seen.downs.length > downs)
      await one.seen.until('up again', () => one.seen.isUp('two'))
      await two.seen.until('up again', () => two.seen.isUp('one'))
    }
    one.transport.send('two', 'bulk', numbered(id))
    await two.seen.until('the last message', () => two.seen.ids.includes(id))
    assert.deepEqual(
      two.seen.ids,
      [...new Set(two.seen.ids)].toSorted((left, right) => left - right),
    )
    for (const { seen } of [one, two]) assertPaired(seen)
  })

  check('a node that stops takes leave, and hears nothing more', async (network) => {
    const [one, two] = [await network.node('one'), await network.node('two')]
    await meet(one, two)
    await two.stop()
    const after = two.seen.events.length
    await one.seen.until('down', () => !one.seen.isUp('two'))
    one.transport.send('two', 'urgent', numbered(1))
    assert.match(one.seen.downs[0] ?? '', /stopping/)
    assert.equal(two.seen.events.length, after)
  })

  check('what was sent just before a stop still arrives', async (network) => {
    const [one, two] = [await network.node('one'), await network.node('two')]
    await meet(one, two)
    one.transport.send('two', 'urgent', numbered(1))
    await one.stop()
    await two.seen.until('the message', () => two.seen.messages.length === 1)
  })
}

/** Per peer: up, down, up, down … and messages only between them. */
function assertPaired(seen: Recorder): void {
  const isUp = new Map<string, boolean>()
  for (const event of seen.events) {
    const { name } = event.type === 'message' ? event.from : event.peer
    assert.equal(isUp.get(name) ?? false, event.type !== 'up')
    isUp.set(name, event.type !== 'down')
  }
}
