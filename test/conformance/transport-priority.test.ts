import assert from 'node:assert/strict'
import { type Socket, connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { transportLimits } from '#io/transport/limits.ts'
import type { PeerMessage } from '#wire/peer-message.ts'
import { decode } from '#wire/codec.ts'
import { frameTypes, streams } from '#wire/frame.ts'
import { Proxy } from './transport-proxy.ts'
import { rawPeer } from './transport-raw.ts'
import { heartbeats, numbered, sized } from './transport-samples.ts'
import { TcpNetwork } from './transport-tcp.ts'
import { meet } from './transport.ts'

const mebibyte = 1024 * 1024
const bytesPerMs = 20_000

const isHeartbeat = ({ type }: PeerMessage): boolean => type === 'heartbeats'

/** How long each heartbeat took that was sent while an 8 MiB message crossed a slow link. */
async function heartbeatsBeside8MiB(): Promise<readonly number[]> {
  const network = new TcpNetwork()
  const [one, two] = [await network.node('one'), await network.node('two')]
  const proxy = await Proxy.to(two.port, { bytesPerMs })
  try {
    one.transport.setPeers([{ name: 'two', address: proxy.address }])
    await one.seen.until('up', () => one.seen.isUp('two'))
    const began = performance.now()
    one.transport.send('two', 'bulk', sized(1, 8 * mebibyte))
    const latencies: number[] = []
    while (!two.seen.messages.some((message) => !isHeartbeat(message))) {
      await delay(10)
      const sentAt = performance.now()
      const count = two.seen.messages.filter(isHeartbeat).length
      one.transport.send('two', 'urgent', heartbeats(8))
      await two.seen.until('the heartbeat', () => two.seen.messages.filter(isHeartbeat).length > count)
      latencies.push(performance.now() - sentAt)
    }
    const tookMs = performance.now() - began
    console.log(`8 MiB took ${tookMs.toFixed(0)} ms; ${latencies.length} heartbeats, slowest ${Math.max(...latencies).toFixed(1)} ms`)
    assert(tookMs >= (8 * mebibyte) / bytesPerMs, 'the link was as slow as meant')
    return latencies
  } finally {
    await network.close()
    await proxy.close()
  }
}

test('decision R7: with an 8 MiB message under way on a link of 20 MB/s, heartbeats arrive in less than 50 ms', async () => {
  // A busy machine may stop this process for as long, so one of a few attempts has to succeed; without credit each takes over 200 ms.
  for (let attempt = 1; ; attempt++) {
    const latencies = await heartbeatsBeside8MiB()
    if (latencies.length >= 10 && Math.max(...latencies) < 50) return
    assert(attempt < 10, `slowest ${Math.max(...latencies)} ms of ${latencies.length}`)
  }
})

test('a peer that takes nothing costs bulk messages, counted, and bounded memory; urgent ones wait for it', async () => {
  const network = new TcpNetwork()
  const one = await network.node('one')
  const raw = await (await rawPeer(one.port)).greet()
  try {
    await one.seen.until('up', () => one.seen.isUp('raw'))
    raw.socket.pause()
    const bulk = 2 * (transportLimits.bulkBytesMax / mebibyte)
    for (let id = 0; id < bulk; id++) one.transport.send('raw', 'bulk', sized(id, mebibyte))
    for (let id = 0; id < 1_000; id++) one.transport.send('raw', 'urgent', numbered(id))
    const dropped = one.counted.get('lockstep_transport_dropped_total bulk full') ?? 0
    assert(dropped >= bulk / 2 && dropped < bulk, `${dropped} of ${bulk} dropped`)
    assert.equal(one.counted.get('lockstep_transport_dropped_total urgent full'), undefined)
    raw.socket.resume()
    const urgent = (): readonly Uint8Array[] =>
      raw.frames.filter(({ type, stream }) => type === frameTypes.message && stream === streams.urgent).map(({ body }) => body)
    await raw.until(() => urgent().length === 1_000)
    const ids = urgent().map((body) => {
      const decoded = decode(body)
      return decoded.ok && decoded.value.type === 'request' ? decoded.value.id : -1
    })
    assert.deepEqual(
      ids,
      Array.from({ length: 1_000 }, (_, id) => id),
    )
    const bulkBytes = raw.frames.filter(({ stream }) => stream === streams.bulk).reduce((sum, { body }) => sum + body.length, 0)
    assert(bulkBytes <= transportLimits.creditBytes + 64 * 1024, `${bulkBytes} bulk bytes without credit`)
  } finally {
    raw.socket.destroy()
    await network.close()
  }
})

test('what is sent in one turn of the event loop leaves in one write', async () => {
  const network = new TcpNetwork()
  let writes = 0
  const counting = (host: string, port: number): Socket => {
    const socket = connect({ host, port })
    const write: (bytes: Uint8Array | string) => boolean = socket.write.bind(socket)
    socket.write = (bytes: Uint8Array | string): boolean => {
      writes++
      return write(bytes)
    }
    return socket
  }
  const [one, two] = [await network.node('one', { connect: counting }), await network.node('two')]
  try {
    one.transport.setPeers([{ name: 'two', address: two.address }])
    await one.seen.until('up', () => one.seen.isUp('two'))
    writes = 0
    for (let id = 0; id < 100; id++) one.transport.send('two', id % 2 === 0 ? 'bulk' : 'urgent', numbered(id))
    assert.equal(writes, 0)
    await two.seen.until('all', () => two.seen.messages.length === 100)
    assert.equal(writes, 1)
  } finally {
    await network.close()
  }
})

test('bulk messages of 100 MiB in all pass, and credit is given back', async () => {
  const network = new TcpNetwork()
  const [one, two] = [await network.node('one'), await network.node('two')]
  try {
    await meet(one, two)
    for (let id = 0; id < 100; id++) {
      one.transport.send('two', 'bulk', sized(id, mebibyte))
      if (id % 20 === 19) await two.seen.until(`${id} messages`, () => two.seen.messages.length > id)
    }
    assert.equal(two.seen.messages.length, 100)
  } finally {
    await network.close()
  }
})
