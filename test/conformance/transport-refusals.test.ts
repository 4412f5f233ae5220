import assert from 'node:assert/strict'
import { type AddressInfo, type Server, createServer } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { PartingCode } from '#wire/control.ts'
import { listenForPeers } from '#io/transport/peer-server.ts'
import { refusePeers } from '#io/transport/tcp-transport.ts'
import { fastClock } from './transport-clock.ts'
import { Proxy } from './transport-proxy.ts'
import { rawPeer } from './transport-raw.ts'
import { numbered, samples } from './transport-samples.ts'
import { TcpNetwork, type TcpNode, type TcpNodeOptions } from './transport-tcp.ts'
import { meet, peerOf } from './transport.ts'

type Options = Omit<TcpNodeOptions, 'name'>

const refusals: readonly { readonly name: string; readonly code: PartingCode; readonly one?: Options; readonly two?: Options }[] = [
  { name: 'another secret', code: 'wrong-secret', one: { secret: 'guessed' } },
  { name: 'no secret where there is one', code: 'wrong-secret', one: { secret: null } },
  { name: 'a secret where there is none', code: 'wrong-secret', two: { secret: null } },
  { name: 'another cluster', code: 'other-cluster', two: { clusterId: () => 'cluster-2' } },
  { name: 'another service', code: 'other-service', two: { service: 'queue' } },
  { name: 'a newer protocol', code: 'unknown-version', two: { versions: { oldest: 2, newest: 3 } } },
  { name: 'an older protocol', code: 'unknown-version', one: { versions: { oldest: 2, newest: 3 } } },
]

const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (let waitedMs = 0; !holds(); waitedMs += 5) {
    assert(waitedMs < 8_000, `waited for ${what}`)
    await delay(5)
  }
}

const refusalsLogged = ({ logged }: TcpNode): readonly unknown[] =>
  logged.filter(({ event }) => event === 'peer-refused').map(({ fields }) => fields['code'])

for (const { name, code, one: first, two: second } of refusals) {
  test(`refused: ${name}; both ends say so, once, and the dialler tries again, not in a tight loop`, async () => {
    const network = new TcpNetwork()
    const [one, two] = [await network.node('one', first), await network.node('two', second)]
    const series = `lockstep_transport_connections_total ${code}`
    try {
      one.transport.setPeers([peerOf(two)])
      await until('three refusals', () => (two.counted.get(series) ?? 0) >= 3 && (one.counted.get(series) ?? 0) >= 3)
      const [peer] = one.transport.peers()
      assert.notEqual(peer?.state, 'up')
      assert.match(peer?.problem ?? '', new RegExp(`^${code}: `))
      for (const node of [one, two]) {
        assert.deepEqual(refusalsLogged(node), [code])
        assert.deepEqual(node.seen.events, [])
      }
      await delay(500)
      assert((one.counted.get(series) ?? 0) <= 8, `${one.counted.get(series)} attempts`)
    } finally {
      await network.close()
    }
  })
}

test('refused: somebody else at the address of a peer, who is told', async () => {
  const network = new TcpNetwork()
  const [one, two] = [await network.node('one'), await network.node('two')]
  try {
    one.transport.setPeers([{ name: 'three', address: two.address }])
    await until('the refusal', () => refusalsLogged(one).length === 1 && refusalsLogged(two).length === 1)
    assert.equal(one.transport.peers()[0]?.problem, 'wrong-name: expected three, found two')
    assert.deepEqual(refusalsLogged(two), ['wrong-name'])
  } finally {
    await network.close()
  }
})

test('refused: a node that reaches itself, and a second node of its name', async () => {
  const network = new TcpNetwork()
  const [one, other] = [await network.node('one'), await network.node('one')]
  try {
    one.transport.setPeers([{ name: null, address: one.address }])
    await until('the refusal', () => one.transport.peers()[0]?.problem === 'own-name: one reached itself')
    one.transport.setPeers([{ name: null, address: other.address }])
    await until('the refusal', () => one.transport.peers()[0]?.problem === 'own-name: two nodes are called one')
    assert.deepEqual(one.seen.events, [])
  } finally {
    await network.close()
  }
})

test('a peer known by its address alone is whoever answers there, and keeps its connection when its name is learnt', async () => {
  const network = new TcpNetwork()
  const [one, two] = [await network.node('one'), await network.node('two')]
  try {
    one.transport.setPeers([{ name: null, address: two.address }])
    await one.seen.until('up', () => one.seen.isUp('two'))
    one.transport.setPeers([peerOf(two)])
    one.transport.send('two', 'bulk', numbered(1))
    await two.seen.until('the message', () => two.seen.ids.length === 1)
    assert.deepEqual(
      one.seen.events.map(({ type }) => type),
      ['up'],
    )
    assert.deepEqual(one.transport.peers()[0]?.node, two.key)
  } finally {
    await network.close()
  }
})

test('decision R3: before both ends belong to a cluster only what forms one passes; then everything, on the same connection', async () => {
  const network = new TcpNetwork()
  const ids = { one: null, two: null } as { one: string | null; two: string | null }
  const [one, two] = [await network.node('one', { clusterId: () => ids.one }), await network.node('two', { clusterId: () => ids.two })]
  try {
    await meet(one, two)
    const passed = (): readonly string[] =>
      two.seen.messages.map((message) =>
        message.type === 'request' ? message.request.type : message.type === 'response' ? `→ ${message.response.type}` : message.type,
      )
    for (const message of samples) one.transport.send('two', 'bulk', message)
    await two.seen.until('what passes', () => two.seen.messages.length >= 7)
    assert.deepEqual(passed(), ['hello', 'form', 'join', '→ done', '→ hello', '→ joined', '→ refused'])
    assert.equal(one.counted.get('lockstep_transport_dropped_total bulk unformed'), samples.length - 7)
    ids.one = 'cluster-9'
    one.transport.send('two', 'urgent', numbered(1))
    ids.two = 'cluster-9'
    two.transport.send('one', 'urgent', numbered(2))
    await until('the gate to open', () => {
      one.transport.send('two', 'urgent', numbered(3))
      return two.seen.ids.includes(3)
    })
    assert(!two.seen.ids.includes(1))
    assert.deepEqual(two.seen.downs, [])
  } finally {
    await network.close()
  }
})

test('two ends that come to belong to different clusters part', async () => {
  const network = new TcpNetwork()
  const ids = { one: null, two: null } as { one: string | null; two: string | null }
  const clock = fastClock(20)
  const one = await network.node('one', { clusterId: () => ids.one, clock })
  const two = await network.node('two', { clusterId: () => ids.two, clock })
  try {
    await meet(one, two)
    ids.one = 'cluster-1'
    ids.two = 'cluster-2'
    await one.seen.until('the end', () => one.seen.downs.length > 0)
    await two.seen.until('the end', () => two.seen.downs.length > 0)
    assert.match(one.seen.downs[0] ?? '', /^other-cluster: /)
    assert.match(two.seen.downs[0] ?? '', /^other-cluster: /)
  } finally {
    await network.close()
  }
})

async function mute(answer: string | null): Promise<{ readonly server: Server; readonly address: string; readonly dials: () => number }> {
  let dials = 0
  const server = createServer((socket) => {
    dials++
    socket.resume()
    socket.on('error', () => {})
    if (answer !== null) socket.write(answer)
  })
  await new Promise<void>((resolve) => void server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}`, dials: () => dials }
}

const upgradeAnswer = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lockstep\r\n\r\n'
for (const [what, answer] of [
  ['accepts and says nothing', null],
  ['upgrades and says nothing', upgradeAnswer],
  ['speaks HTTP only', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'],
  ['speaks something else', 'SSH-2.0-OpenSSH_9.6\r\n'],
] as const) {
  test(`a dial is not held for ever by something that ${what}`, async () => {
    const network = new TcpNetwork()
    const one = await network.node('one', { clock: fastClock(20) })
    const { server, address, dials } = await mute(answer)
    try {
      one.transport.setPeers([{ name: 'two', address }])
      await until('the third dial', () => dials() >= 3)
      assert.notEqual(one.transport.peers()[0]?.problem, null)
    } finally {
      await network.close()
      await new Promise((resolve) => server.close(resolve))
    }
  })
}

test('a stranger that upgrades and says nothing is sent away', async () => {
  const network = new TcpNetwork()
  const one = await network.node('one', { clock: fastClock(20) })
  try {
    const raw = await rawPeer(one.port)
    assert.equal((await raw.dismissal()).code, 'timed-out')
    await raw.closed
  } finally {
    await network.close()
  }
})

test('a connection on which nothing is heard any more goes down at both ends, and is dialled again', async () => {
  const network = new TcpNetwork()
  const clock = fastClock(20)
  const [one, two] = [await network.node('one', { clock }), await network.node('two', { clock })]
  const proxy = await Proxy.to(two.port)
  try {
    one.transport.setPeers([{ name: 'two', address: proxy.address }])
    await one.seen.until('up', () => one.seen.isUp('two'))
    await delay(500)
    assert.deepEqual([...one.seen.downs, ...two.seen.downs], [], 'pings keep an idle connection')
    proxy.goQuiet()
    await one.seen.until('down', () => one.seen.downs.length === 1)
    await two.seen.until('down', () => two.seen.downs.length === 1)
    assert.match(one.seen.downs[0] ?? '', /^silent: /)
    one.transport.setPeers([peerOf(two)])
    await one.seen.until('up again', () => one.seen.isUp('two'))
  } finally {
    await network.close()
    await proxy.close()
  }
})

test('a peer that only starts is not a fault: it is told so, and met as soon as it runs', async () => {
  const network = new TcpNetwork()
  const server = await listenForPeers({ host: '127.0.0.1', port: 0 })
  const running = refusePeers(server)
  const one = await network.node('one')
  try {
    one.transport.setPeers([{ name: 'two', address: `127.0.0.1:${(server.address() as AddressInfo).port}` }])
    await until('the first dial has failed', () => one.logged.length > 0)
    const [{ level, event, fields } = assert.fail()] = one.logged
    assert.deepEqual({ level, event, detail: fields['detail'] }, { level: 'info', event: 'peer-absent', detail: 'it is starting' })
    running()
    await network.node('two', { server })
    await until('both have met', () => one.transport.peers()[0]?.state === 'up')
    assert.deepEqual(refusalsLogged(one), [])
  } finally {
    await network.close()
  }
})
