import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '#io/system-clock.ts'
import { lockClients } from '#wire/client-codec.ts'
import type { ClientMessage, ServerMessage } from '#wire/client-message.ts'
import type { Parting, PartingCode } from '#wire/control.ts'
import { FrameDecoder } from '#wire/frame-decoder.ts'
import { frameTypes, packFrames, streams } from '#wire/frame.ts'
import { clientSocketLimits as limits } from './limits.ts'
import { MessageSocket } from './message-socket.ts'

const mebibyte = 1024 * 1024
const answer = (bytes: number): ServerMessage => ({ type: 'answered', call: 1, answer: new Uint8Array(bytes) })

/** The node's end, greeted, and a client that reads nothing unless it is told to. */
interface Ends extends AsyncDisposable {
  readonly node: MessageSocket<ClientMessage, ServerMessage>
  readonly accepted: Socket
  readonly client: Socket
  /** Why the connection is over; null while it is not. */
  readonly endedAs: () => PartingCode | null
}

async function connected(): Promise<Ends> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {})
  const [accepted] = (await once(server, 'connection')) as [Socket]
  const greeted = Promise.withResolvers<void>()
  let endedAs: PartingCode | null = null
  const events = {
    greeted: () => greeted.resolve(),
    message: () => {},
    ended: ({ code }: Parting) => {
      endedAs = code
    },
  }
  const { fromClient: reads, fromNode: writes } = lockClients
  const options = { socket: accepted, clock: systemClock, events, limitMs: 10_000, side: 'node', reads, writes, readsLong: false } as const
  const node = new MessageSocket<ClientMessage, ServerMessage>(options)
  node.start(new Uint8Array(0))
  client.write(packFrames([{ type: frameTypes.hello, stream: streams.control, body: Uint8Array.of(1) }]))
  await greeted.promise
  return {
    node,
    accepted,
    client,
    endedAs: () => endedAs,
    [Symbol.asyncDispose]: async () => {
      node.destroy()
      client.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const turn = (): Promise<void> => new Promise(setImmediate)

test('what one event leads to shares a frame, and leaves before the event loop goes on', { timeout: 10_000 }, async () => {
  await using ends = await connected()
  const frames: number[] = []
  const decoder = new FrameDecoder()
  ends.client.on('data', (chunk: Uint8Array) => void decoder.push(chunk, ({ type }) => frames.push(type)))
  await turn()
  const before = ends.accepted.bytesWritten
  for (const steps of [1, 5, 20]) {
    void (async () => {
      for (let step = 0; step < steps; step++) await Promise.resolve()
      ends.node.send(answer(100))
    })()
  }
  await turn()
  ok(ends.accepted.bytesWritten > before + 300)
  while (frames.length === 0) await turn()
  deepEqual(frames, [frameTypes.message])
})

test('a client that takes nothing is given up when more than the limit waits for it', { timeout: 10_000 }, async () => {
  await using ends = await connected()
  let sent = 0
  while (ends.endedAs() === null && sent <= 2 * limits.unsentBytesMax) {
    ends.node.send(answer(mebibyte))
    sent += mebibyte
    await turn()
  }
  equal(ends.endedAs(), 'overloaded')
})

test('what is sent in one turn counts too', { timeout: 10_000 }, async () => {
  await using ends = await connected()
  for (let sent = 0; sent <= limits.unsentBytesMax; sent += mebibyte) ends.node.send(answer(mebibyte))
  await turn()
  equal(ends.endedAs(), 'overloaded')
})

test('a client that takes nothing of the little that waits for it is gone after some ticks', { timeout: 10_000 }, async () => {
  await using ends = await connected()
  ends.node.send(answer(16 * mebibyte - 1024))
  while (!ends.accepted.isPaused()) await turn()
  for (let tick = 0; tick <= limits.silentTicksMax; tick++) ends.node.tick()
  equal(ends.endedAs(), 'silent')
})

test('a client that takes what waits for it is not gone', { timeout: 10_000 }, async () => {
  await using ends = await connected()
  ends.node.send(answer(16 * mebibyte - 1024))
  while (!ends.accepted.isPaused()) await turn()
  for (let tick = 0; tick < limits.silentTicksMax; tick++) ends.node.tick()
  ends.client.resume()
  await once(ends.accepted, 'drain')
  ends.client.pause()
  for (let tick = 0; tick < limits.silentTicksMax; tick++) ends.node.tick()
  equal(ends.endedAs(), null)
})
