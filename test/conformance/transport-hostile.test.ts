import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import fastify from 'fastify'
import { transportLimits } from '#io/transport/limits.ts'
import { peerPath } from '#io/transport/upgrade.ts'
import { credit } from '#wire/control.ts'
import { type Frame, frameTypes, packFrames, streams } from '#wire/frame.ts'
import { wireLimits } from '#wire/limits.ts'
import { fastClock } from './transport-clock.ts'
import { RawPeer, rawPeer } from './transport-raw.ts'
import { numbered } from './transport-samples.ts'
import { TcpNetwork, type TcpNode, tcpNode } from './transport-tcp.ts'
import { meet } from './transport.ts'

const openFiles = (): number => readdirSync('/proc/self/fd').length

/** Two nodes that are up with each other, and must still be so, with no file descriptor more, after what `body` does to the first. */
async function besides(body: (one: TcpNode) => Promise<void>): Promise<void> {
  const network = new TcpNetwork()
  const [one, two] = [await network.node('one'), await network.node('two')]
  try {
    await meet(one, two)
    const before = openFiles()
    await body(one)
    const [ups, downs] = [one, two].map(
      ({ seen }) => seen.events.filter((event) => event.type !== 'message' && event.peer.name !== 'raw').length,
    )
    assert.deepEqual([ups, downs], [1, 1], 'the connection between the nodes was harmed')
    const count = two.seen.messages.length
    one.transport.send('two', 'bulk', numbered(count))
    await two.seen.until('a message', () => two.seen.messages.length > count)
    for (let tries = 0; openFiles() > before; tries++) {
      assert(tries < 200, `${openFiles()} files open, ${before} before`)
      await delay(10)
    }
  } finally {
    await network.close()
  }
}

const frame = (type: number, stream: number, body: Uint8Array): Frame => ({ type, stream, body })
const damaged = packFrames([frame(frameTypes.ping, 0, new Uint8Array(9))])
damaged[20] = 1
const part = frame(frameTypes.part, streams.bulk, new Uint8Array(wireLimits.frameBodyBytesMax))

const nested = frame(frameTypes.message, streams.bulk, new Uint8Array(60_000).fill(0x91))

const offences: readonly (readonly [what: string, detail: string, commit: (raw: RawPeer) => void])[] = [
  ['a wrong checksum', 'checksum mismatch', (raw) => raw.socket.write(damaged)],
  ['a frame too long', 'frame too long', (raw) => raw.socket.write(Buffer.from('00ffffff0000000001050002', 'hex'))],
  ['another frame version', 'unknown frame version', (raw) => raw.socket.write(Buffer.from('000000000000000002050002', 'hex'))],
  ['a smuggled HTTP request', 'frame too long', (raw) => raw.socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n')],
  ['an unknown frame type', 'unexpected frame of type 99', (raw) => raw.send(frame(99, 0, new Uint8Array(0)))],
  ['a second hello', 'unexpected frame of type 1', (raw) => raw.send(frame(frameTypes.hello, 0, new Uint8Array(0)))],
  ['a message on an unknown stream', 'message on stream 7', (raw) => raw.send(frame(frameTypes.message, 7, new Uint8Array(1)))],
  ['a message that is none', 'expected an array', (raw) => raw.send(frame(frameTypes.message, 1, new Uint8Array([0x80])))],
  ['an empty message', 'cut short', (raw) => raw.send(frame(frameTypes.message, 1, new Uint8Array(0)))],
  ['deep nesting', 'expected an integer that is not negative', (raw) => raw.send(nested)],
  ['a message too long', 'message too long', (raw) => raw.send(...Array.from({ length: 257 }, () => part))],
  ['credit never used', 'credit for what was never sent', (raw) => raw.send(frame(frameTypes.credit, 0, credit.encode({ bytes: 1 })))],
]

for (const [what, detail, commit] of offences) {
  test(`${what} closes that connection, with the reason at both ends, and harms nothing else`, async () => {
    await besides(async (one) => {
      const raw = await (await rawPeer(one.port)).greet()
      commit(raw)
      assert.deepEqual(await raw.dismissal(), { code: 'malformed', detail })
      await raw.closed
      const told = one.logged.filter(({ event, fields }) => event === 'peer-down' && fields['name'] === 'raw')
      assert.deepEqual(
        told.map(({ level, fields }) => [level, fields['code'], fields['detail']]),
        [['warn', 'malformed', detail]],
      )
      assert.equal(one.counted.get('lockstep_transport_connections_total malformed'), 1)
    })
  })
}

test('garbage instead of a handshake is refused with a reason', async () => {
  await besides(async (one) => {
    const raw = await rawPeer(one.port)
    raw.send(frame(frameTypes.message, streams.urgent, new Uint8Array(3)))
    assert.deepEqual(await raw.dismissal(), { code: 'malformed', detail: 'unexpected frame of type 5 in the handshake' })
    const other = await rawPeer(one.port)
    other.send(frame(frameTypes.hello, 0, new Uint8Array(3)))
    assert.equal((await other.dismissal()).code, 'malformed')
    await Promise.all([raw.closed, other.closed])
    assert.equal(one.counted.get('lockstep_transport_connections_total malformed'), 2)
  })
})

test('a connection that breaks in the middle of anything leaves nothing behind', async () => {
  await besides(async (one) => {
    const inMessage = await (await rawPeer(one.port)).greet()
    inMessage.send(part)
    inMessage.socket.write(damaged.subarray(0, 15))
    inMessage.socket.resetAndDestroy()
    const inHandshake = await rawPeer(one.port)
    inHandshake.socket.write(damaged.subarray(0, 7))
    inHandshake.socket.end()
    const inRequest = new RawPeer(one.port)
    inRequest.socket.write('GET /lockstep/peer HT')
    inRequest.socket.resume().end()
    await Promise.all([inMessage.closed, inHandshake.closed, inRequest.closed])
  })
})

test(
  '2 000 inputs of garbage on live sockets, before and after a handshake, end those connections only',
  { timeout: 120_000 },
  async () => {
    const seed = 424_242
    console.log(`seed ${seed}`)
    await besides(async (one) => {
      const bytes = fc.uint8Array({ minLength: 1, maxLength: 300, size: 'max' })
      const framed = fc
        .record({ type: fc.nat(12), stream: fc.nat(4), body: fc.uint8Array({ maxLength: 100, size: 'max' }) })
        .map((anything) => packFrames([anything]))
      const inputs = fc.sample(fc.record({ garbage: fc.oneof(bytes, framed), isProven: fc.boolean() }), { seed, numRuns: 2_000 })
      let next = 0
      const attack = async (worker: number): Promise<void> => {
        for (let input = inputs[next++]; input !== undefined; input = inputs[next++]) {
          const raw = await rawPeer(one.port)
          if (input.isProven) await raw.greet({ name: 'raw', incarnation: `${worker}` })
          raw.socket.end(input.garbage)
          await raw.closed
        }
      }
      await attack(0)
      const malformed = one.counted.get('lockstep_transport_connections_total malformed') ?? 0
      console.log(`${malformed} of ${inputs.length} were malformed, the others incomplete or harmless`)
      assert(malformed > 500)
    })
  },
)

test('strangers are bounded in number, and keep out nobody who proves himself', async () => {
  const network = new TcpNetwork()
  const one = await network.node('one', { clock: fastClock(0.1) })
  try {
    const strangers = await Promise.all(Array.from({ length: transportLimits.strangersMax }, () => rawPeer(one.port)))
    await (await rawPeer(one.port)).greet()
    await Promise.race(strangers.map(({ closed }) => closed))
    assert.equal(one.counted.get('lockstep_transport_connections_total overloaded'), 1)
    for (const { socket } of strangers) socket.destroy()
    await Promise.all(strangers.map(({ closed }) => closed))
  } finally {
    await network.close()
  }
})

test('strangers who find ever new ways to be refused do not fill the log', async () => {
  const network = new TcpNetwork()
  const one = await network.node('one')
  const strangers = transportLimits.strangerLinesMax + 5
  try {
    for (let number = 0; number < strangers; number++) {
      const raw = await rawPeer(one.port)
      raw.send(frame(100 + number, 0, new Uint8Array(0)))
      await raw.closed
    }
    const told = one.logged.filter(({ event }) => event === 'peer-refused').length
    assert.deepEqual(
      [told, one.counted.get('lockstep_transport_connections_total malformed')],
      [transportLimits.strangerLinesMax, strangers],
    )
  } finally {
    await network.close()
  }
})

test('ordinary requests are answered as before, whatever upgrade they ask for', async () => {
  const app = fastify()
  app.get('/health', () => ({ status: 'ok' }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const node = await tcpNode({ name: 'one', server: app.server })
  try {
    for (const headers of [
      '',
      'Connection: Upgrade\r\nUpgrade: h2c\r\n',
      'Connection: Upgrade\r\nUpgrade: websocket\r\n',
      'Connection: Upgrade\r\nUpgrade: lockstep\r\n',
    ]) {
      const answer = await ask(node.port, `GET /health HTTP/1.1\r\nHost: x\r\n${headers}\r\n`)
      assert.match(answer, /^HTTP\/1\.1 200 .*\{"status":"ok"\}/s)
    }
    const upgrade = 'Connection: Upgrade\r\nUpgrade: lockstep\r\n'
    assert.match(await ask(node.port, `GET ${peerPath} HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 404 /)
    assert.match(await ask(node.port, `POST ${peerPath} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`), /^HTTP\/1\.1 404 /)
    assert.match(await ask(node.port, `GET ${peerPath} HTTP/1.1\r\nHost: x\r\n${upgrade}Content-Length: 2\r\n\r\nhi`), /^HTTP\/1\.1 404 /)
    const raw = await (await rawPeer(node.port)).greet()
    raw.socket.destroy()
    await new Promise<void>((resolve) => {
      node.transport.stop(resolve)
    })
    assert.match(await ask(node.port, `GET ${peerPath} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`), /^HTTP\/1\.1 404 /)
  } finally {
    await app.close()
  }
})

function ask(port: number, request: string): Promise<string> {
  const { socket } = new RawPeer(port)
  socket.write(request)
  return new Promise((resolve) => {
    let answer = ''
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
      if (/\r\n\r\n.+/s.test(answer)) socket.destroy()
    })
    socket.on('close', () => resolve(answer))
  })
}
