import { type ChildProcess, fork } from 'node:child_process'
import type { Server } from 'node:http'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { Packr } from 'msgpackr'
import { Prng } from '#base/prng.ts'
import { logIndex } from '#core/raft/types.ts'
import { systemClock } from '#io/system-clock.ts'
import { listenForPeers } from '#io/transport/peer-server.ts'
import { TcpTransport } from '#io/transport/tcp-transport.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import { append, propose } from '#test/conformance/transport-samples.ts'
import { Encoder, decode } from '#wire/codec.ts'
import type { PeerMessage } from '#wire/peer-message.ts'

/**
 * Messages to another process and back, over the transport and over a bare TCP connection that echoes as many bytes: the difference is
 * what framing, checksums, schemas and lanes cost. Then the codec alone. Takes about 20 seconds.
 */

const sizes = [100, 10 * 1024] as const
const runMs = 1_500
const warmUpMs = 400
const windowMessages = 256

/** One way of sending a message to the other process; `arrived` is called when it, or as many bytes, came back. */
interface Line {
  send(bytes: number): void
  arrived: () => void
  close(): void
}

interface Ports {
  readonly bare: number
  readonly peer: number
}

function transportOf(name: string, server: Server): TcpTransport {
  return new TcpTransport({
    server,
    self: { name, incarnation: `${process.pid}` },
    service: 'bench',
    clusterId: () => 'bench',
    secret: 'bench',
    clock: systemClock,
    telemetry: silentTelemetry,
    prng: new Prng(1),
  })
}

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port

async function echo(): Promise<void> {
  const bare = createServer({ noDelay: true }, (socket) => void socket.on('error', () => {}).pipe(socket))
  await new Promise<void>((resolve) => void bare.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const server = await listenForPeers({ host: '127.0.0.1', port: 0 })
  const transport = transportOf('echo', server)
  transport.start({
    up() {},
    down() {},
    message: (from, message) => transport.send(from.name, 'bulk', answerTo(message)),
  })
  process.send?.({ bare: portOf(bare), peer: portOf(server) } satisfies Ports)
  process.on('disconnect', () => process.exit())
}

function answerTo(message: PeerMessage): PeerMessage {
  if (message.type !== 'request' || message.request.type !== 'propose') return message
  const answer = message.request.commands[0] ?? new Uint8Array(0)
  return { type: 'response', id: message.id, response: { type: 'proposed', outcomes: [{ type: 'applied', index: logIndex(1), answer }] } }
}

function bareLine(port: number): Promise<Line> {
  const socket: Socket = connect({ host: '127.0.0.1', port, noDelay: true })
  let size = 0
  let received = 0
  let batch = 0
  const line: Line = {
    send(bytes) {
      size = bytes
      if (batch++ === 0) {
        queueMicrotask(() => {
          socket.write(Buffer.alloc(batch * size))
          batch = 0
        })
      }
    },
    arrived: () => {},
    close: () => socket.destroy(),
  }
  socket.on('data', (chunk) => {
    received += chunk.length
    for (; received >= size; received -= size) line.arrived()
  })
  return new Promise((resolve) => void socket.on('connect', () => resolve(line)))
}

async function transportLine(port: number): Promise<Line> {
  const server = await listenForPeers({ host: '127.0.0.1', port: 0 })
  const transport = transportOf('bench', server)
  const messages = new Map<number, PeerMessage>(sizes.map((bytes) => [bytes, propose(1, bytes)]))
  const line: Line = {
    send: (bytes) => transport.send('echo', 'bulk', messages.get(bytes) as PeerMessage),
    arrived: () => {},
    close: () => transport.stop(() => server.close()),
  }
  await new Promise<void>((resolve) => {
    transport.start({ up: () => resolve(), down() {}, message: () => line.arrived() })
    transport.setPeers([{ name: 'echo', address: `127.0.0.1:${port}` }])
  })
  return line
}

/** Keeps so many messages on the way, and says how long each took. */
function run(line: Line, bytes: number, inFlight: number, forMs: number): Promise<readonly number[]> {
  const took: number[] = []
  const sentAt: number[] = []
  const end = performance.now() + forMs
  return new Promise((resolve) => {
    const send = (): void => {
      sentAt.push(performance.now())
      line.send(bytes)
    }
    let first = 0
    line.arrived = (): void => {
      const now = performance.now()
      took.push(now - (sentAt[first++] as number))
      if (now < end) send()
      else if (first === sentAt.length) resolve(took)
    }
    for (let count = 0; count < inFlight; count++) send()
  })
}

const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0

async function measure(name: string, line: Line): Promise<void> {
  for (const bytes of sizes) {
    await run(line, bytes, 1, warmUpMs)
    const alone = (await run(line, bytes, 1, runMs)).toSorted((left, right) => left - right)
    await run(line, bytes, windowMessages, warmUpMs)
    const began = performance.now()
    const many = (await run(line, bytes, windowMessages, runMs)).length
    const perSecond = (many * 1_000) / (performance.now() - began)
    const cells = [
      name.padEnd(10),
      `${bytes} B`.padStart(8),
      `p50 ${(quantile(alone, 0.5) * 1_000).toFixed(0)} µs`.padStart(12),
      `p99 ${(quantile(alone, 0.99) * 1_000).toFixed(0)} µs`.padStart(12),
      `${Math.round(perSecond).toLocaleString('en')} round trips/s`.padStart(24),
      `${((perSecond * bytes) / 1e6).toFixed(1)} MB/s each way`.padStart(22),
    ]
    console.log(cells.join(' '))
  }
}

/** The codec, beside a general MessagePack library that moves the same values as plain arrays. */
function measureCodec(): void {
  const encoder = new Encoder()
  const messages = { 'append 100 × 100 B': append(100, 100), 'propose 100 × 100 B': propose(100, 100) }
  for (const [name, message] of Object.entries(messages)) {
    const encoded = encoder.encode(message) ?? new Uint8Array(0)
    const values: unknown = packr.unpack(encoded)
    const ours = [rate(() => encoder.encode(message)), rate(() => decode(encoded))] as const
    const theirs = [rate(() => packr.pack(values)), rate(() => isPlain(packr.unpack(Uint8Array.from(encoded))))] as const
    for (const [who, [encodes, decodes]] of Object.entries({ ours, msgpackr: theirs })) {
      console.log(`${name.padEnd(20)} ${who.padEnd(9)} ${describe('encode', encodes)} ${describe('decode', decodes)}`)
    }
  }
}

const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: 'number' })

/** Much less than a check of decoded values has to do, and it builds no message: looks at each value once. */
function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain)
  return value instanceof Uint8Array || typeof value === 'string' || (typeof value === 'number' && value >= 0)
}

function rate(call: () => unknown): number {
  let calls = 0
  const from = performance.now() + warmUpMs / 2
  while (performance.now() < from) call()
  const end = from + warmUpMs
  for (; performance.now() < end; calls++) call()
  return (calls * 1_000) / warmUpMs
}

const describe = (name: string, perSecond: number): string =>
  `${name} ${Math.round(perSecond).toLocaleString('en')}/s (${(1e6 / perSecond).toFixed(1)} µs)`.padStart(32)

async function main(): Promise<void> {
  const child: ChildProcess = fork(import.meta.filename, ['echo'])
  const ports = await new Promise<Ports>((resolve) => void child.once('message', (message) => resolve(message as Ports)))
  const [bare, transport] = [await bareLine(ports.bare), await transportLine(ports.peer)]
  await measure('bare TCP', bare)
  await measure('transport', transport)
  bare.close()
  transport.close()
  child.disconnect()
  measureCodec()
}

await (process.argv[2] === 'echo' ? echo() : main())
