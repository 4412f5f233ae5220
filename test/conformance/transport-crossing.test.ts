import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { rawPeer } from './transport-raw.ts'
import { numbered } from './transport-samples.ts'
import { TcpNetwork } from './transport-tcp.ts'

test('two dials that cross make two connections and one peer; when one ends the other takes its place', { timeout: 30_000 }, async () => {
  const network = new TcpNetwork()
  const [one, two] = [await network.node('one'), await network.node('two')]
  const accepted = (): number =>
    [one, two].reduce((sum, { counted }) => sum + (counted.get('lockstep_transport_connections_total up') ?? 0), 0)
  try {
    // By address alone, neither yields to the other.
    one.transport.setPeers([{ name: null, address: two.address }])
    two.transport.setPeers([{ name: null, address: one.address }])
    await one.seen.until('up', () => one.seen.isUp('two'))
    await two.seen.until('up', () => two.seen.isUp('one'))
    for (let tries = 0; accepted() < 2; tries++) {
      assert(tries < 1_000, `${accepted()} connections`)
      await delay(5)
    }
    await delay(50)
    assert.equal(accepted(), 2)
    for (let id = 0; id < 1_000; id++) {
      one.transport.send('two', 'bulk', numbered(id))
      two.transport.send('one', 'bulk', numbered(id))
    }
    for (const { seen } of [one, two]) {
      await seen.until('all', () => seen.ids.length === 1_000)
      assert.deepEqual(
        seen.ids,
        Array.from({ length: 1_000 }, (_, id) => id),
      )
      assert.deepEqual(seen.downs, [])
    }
    for (let round = 0; round < 5; round++) {
      network.breakConnections()
      await one.seen.until('down', () => one.seen.downs.length > round)
      // One connection may be seen to break before the other, so only a message that arrives proves that it is over.
      for (const [from, to] of [
        [one, two],
        [two, one],
      ] as const) {
        while (!to.seen.ids.includes(2_000 + round)) {
          from.transport.send(to.key.name, 'bulk', numbered(2_000 + round))
          await delay(5)
        }
      }
    }
  } finally {
    await network.close()
  }
})

for (const incarnation of ['0', '1']) {
  const who = incarnation === '0' ? 'a node that dials again' : 'another incarnation of a node'
  test(`${who} takes the place of its former connection`, async () => {
    const network = new TcpNetwork()
    const one = await network.node('one')
    try {
      const former = await (await rawPeer(one.port)).greet({ name: 'two', incarnation: '0' })
      await one.seen.until('up', () => one.seen.isUp('two'))
      const later = await (await rawPeer(one.port)).greet({ name: 'two', incarnation })
      assert.equal((await former.dismissal()).code, 'replaced')
      await one.seen.until('all', () => one.seen.events.length === 3)
      assert.deepEqual(
        one.seen.events.map((event) => event.type !== 'message' && `${event.type} ${event.peer.incarnation}`),
        ['up 0', 'down 0', `up ${incarnation}`],
      )
      later.socket.destroy()
    } finally {
      await network.close()
    }
  })
}
