import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ClientAccess, ClientChannel, ClientLink } from '#ports/client.ts'
import { silentTelemetry } from '#ports/telemetry.ts'
import type { ClientMessage, ServerMessage, Welcome } from '#wire/client-message.ts'
import { clientHello, lockClients } from '#wire/client-codec.ts'
import { parting } from '#wire/control.ts'
import { FrameDecoder } from '#wire/frame-decoder.ts'
import { type Frame, frameTypes, packFrames, streams } from '#wire/frame.ts'
import { err, ok } from '#base/result.ts'
import type { Caller } from '#core/access/types.ts'
import { systemClock } from '#io/system-clock.ts'
import { listenForPeers } from '#io/transport/peer-server.ts'
import { ClientGate } from './client-gate.ts'
import type { TokenSource } from './tcp-client-dialer.ts'
import { TcpClientDialer } from './tcp-client-dialer.ts'

const hello = { oldest: 1, newest: 1, service: 'lock', software: 'test' }
const answer = { clusterId: 'c', node: 'n1', software: '1', members: [{ node: 'n1', address: 'x:1' }], leader: 'n1' }

interface World extends AsyncDisposable {
  readonly address: string
  readonly channels: ClientChannel[]
  readonly received: ClientMessage[]
  /** The tokens of those who were let in. */
  readonly callers: (string | null)[]
  formed: boolean
}

/** A gate whose host answers each command with its own bytes. */
async function gateOf(access: ClientAccess | null = null): Promise<World> {
  const server = await listenForPeers({ host: '127.0.0.1', port: 0 })
  const channels: ClientChannel[] = []
  const received: ClientMessage[] = []
  const callers: (string | null)[] = []
  const host = {
    protocol: lockClients,
    welcome: () => (world.formed ? answer : null),
    serve: (channel: ClientChannel, caller?: Caller) => {
      channels.push(channel)
      callers.push(caller?.token?.name ?? null)
      return {
        received: (message: ClientMessage) => {
          received.push(message)
          if (message.type === 'command') channel.send({ type: 'answered', call: message.call, answer: message.command })
        },
        gone: () => channels.splice(channels.indexOf(channel), 1),
      }
    },
  }
  const gate = new ClientGate({ server, host, clock: systemClock, telemetry: silentTelemetry, access })
  gate.start()
  const world = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    channels,
    received,
    callers,
    formed: true,
    [Symbol.asyncDispose]: async () => {
      gate.stop()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return world
}

interface Dialled {
  readonly link: ClientLink
  readonly welcome: Promise<Welcome>
  readonly down: Promise<string>
  readonly message: () => Promise<ServerMessage>
}

function dial(address: string, greeting = hello, token: TokenSource = () => null): Dialled {
  const up = Promise.withResolvers<Welcome>()
  const down = Promise.withResolvers<string>()
  const messages: ServerMessage[] = []
  let noticed: () => void = () => {}
  const link = new TcpClientDialer(systemClock, lockClients, { token }).dial(address, greeting, {
    up: up.resolve,
    down: down.resolve,
    message: (message) => {
      messages.push(message)
      noticed()
    },
  })
  const message = async (): Promise<ServerMessage> => {
    while (messages.length === 0) await new Promise<void>((resolve) => (noticed = resolve))
    return messages.shift() as ServerMessage
  }
  return { link, welcome: up.promise, down: down.promise, message }
}

test('a client is welcomed, and its commands are answered in order', async () => {
  await using world = await gateOf()
  const { link, welcome, message } = dial(world.address)
  assert.deepEqual(await welcome, { ...answer, version: 1, grants: null })
  for (let call = 1; call <= 1_000; call++) link.send({ type: 'command', call, command: new Uint8Array(1_000).fill(call) })
  for (let call = 1; call <= 1_000; call++) {
    assert.deepEqual(await message(), { type: 'answered', call, answer: new Uint8Array(1_000).fill(call) })
  }
  link.close()
})

test('an answer that is longer than a frame arrives whole, between others', async () => {
  await using world = await gateOf()
  const { link, welcome, message } = dial(world.address)
  await welcome
  const view = new Uint8Array(300_000).fill(7)
  world.channels[0]?.send({ type: 'view', call: 1, view })
  world.channels[0]?.send({ type: 'going' })
  assert.deepEqual(await message(), { type: 'view', call: 1, view })
  assert.deepEqual(await message(), { type: 'going' })
  link.close()
})

test('who speaks another version, wants another service, or comes too early is told so', async () => {
  await using world = await gateOf()
  assert.match(await dial(world.address, { ...hello, oldest: 7, newest: 9 }).down, /^unknown-version: .* 7 to 9, this node 1 to 1$/)
  assert.match(await dial(world.address, { ...hello, service: 'queue' }).down, /^other-service: .*queue.*lock$/)
  world.formed = false
  assert.match(await dial(world.address).down, /^not-ready: /)
  assert.deepEqual(world.received, [])
})

const grants = { name: 't', roles: ['lock'], prefixes: ['a'] } as const

test('where tokens are asked for, who shows one is told what it allows, and nobody else is let in', async () => {
  const caller = { token: { ...grants, expiresAt: null }, address: '' }
  await using world = await gateOf({
    identify: (secret) => (secret === 'secret' ? ok(caller) : err({ message: 'nobody knows this token' })),
    isCurrent: () => true,
  })
  assert.match(await dial(world.address).down, /^unauthorized: nobody knows this token/)
  assert.match(await dial(world.address, hello, () => 'wrong').down, /^unauthorized: /)
  assert.match(await dial(world.address, hello, () => Promise.reject(new Error('the vault is shut'))).down, /the vault is shut/)
  const { link, welcome } = dial(world.address, hello, () => Promise.resolve('secret'))
  assert.deepEqual((await welcome).grants, grants)
  assert.deepEqual([world.callers, world.received], [['t'], []])
  link.close()
})

test('a connection ends soon after its token is not good any more', { timeout: 10_000 }, async () => {
  let isCurrent = true
  const caller = { token: { ...grants, expiresAt: null }, address: '' }
  await using world = await gateOf({ identify: () => ok(caller), isCurrent: () => isCurrent })
  const { welcome, down } = dial(world.address)
  await welcome
  isCurrent = false
  assert.match(await down, /^unauthorized: /)
})

/** Sends bytes on a connection of its own, and tells why the node closed it. */
async function provoke(address: string, bytes: Uint8Array): Promise<string> {
  const [host, port] = address.split(':')
  const socket = connect({ host: host as string, port: Number(port), noDelay: true })
  // What is provoked may end in a reset: what came before it counts.
  socket.on('error', () => {})
  socket.write('GET /lockstep/client HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: lockstep-client\r\n\r\n')
  const [head] = (await once(socket, 'data')) as [Buffer]
  assert.match(head.toString('latin1'), /^HTTP\/1\.1 101 /)
  const decoder = new FrameDecoder()
  let reason = 'closed without a word'
  const visit = ({ type, body }: Frame): void => {
    const said = type === frameTypes.close ? parting.decode(body) : null
    if (said?.ok === true) reason = said.value.code
  }
  socket.on('data', (chunk: Buffer) => void decoder.push(chunk, visit))
  socket.write(bytes)
  await once(socket, 'close')
  return reason
}

const greeting: Frame = { type: frameTypes.hello, stream: streams.control, body: clientHello.encode({ ...hello, token: null }) }
const frame = fc.record({ type: fc.nat(9), stream: fc.nat(3), body: fc.uint8Array({ maxLength: 64 }) })
/** Not what ends a connection properly, or may be said at any time. */
const isProper = ({ type }: Frame): boolean => type === frameTypes.close || type === frameTypes.ping || type === frameTypes.message

test('a frame that no client sends ends its connection with a reason, and no other', { timeout: 60_000 }, async () => {
  await using world = await gateOf()
  const { link, welcome, message } = dial(world.address)
  await welcome
  const wrong = fc.oneof(
    frame.filter(({ type }) => type !== frameTypes.hello && type !== frameTypes.close).map((first) => packFrames([first])),
    frame.filter((second) => !isProper(second)).map((second) => packFrames([greeting, second])),
    fc.uint8Array({ minLength: 1, maxLength: 64 }).map((body) => {
      return packFrames([greeting, { type: frameTypes.message, stream: streams.bulk, body: Buffer.concat([body, Uint8Array.of(0xc1)]) }])
    }),
    fc.uint8Array({ minLength: 12, maxLength: 100 }).map((noise) => Buffer.concat([packFrames([greeting]), Buffer.alloc(12, 0xff), noise])),
  )
  await fc.assert(
    fc.asyncProperty(wrong, async (bytes) => {
      assert.equal(await provoke(world.address, bytes), 'malformed')
    }),
    { numRuns: 150 },
  )
  link.send({ type: 'command', call: 1, command: Uint8Array.of(5) })
  assert.deepEqual(await message(), { type: 'answered', call: 1, answer: Uint8Array.of(5) })
  assert.deepEqual(world.received, [{ type: 'command', call: 1, command: Uint8Array.of(5) }])
  link.close()
})

test('a node that stops says so, and a client that leaves is gone', async () => {
  await using world = await gateOf()
  const leaver = dial(world.address)
  const stayer = dial(world.address)
  await Promise.all([leaver.welcome, stayer.welcome])
  assert.equal(world.channels.length, 2)
  leaver.link.close()
  while (world.channels.length > 1) await new Promise(setImmediate)
  world.channels[0]?.close('stopping', 'this node is stopping')
  assert.equal(await stayer.down, 'stopping: this node is stopping')
})
