import fc from 'fast-check'
import { connect } from 'node:net'
import { clientHello } from '#wire/client-codec.ts'
import { greeting, parting } from '#wire/control.ts'
import { FrameDecoder } from '#wire/frame-decoder.ts'
import type { Frame } from '#wire/frame.ts'
import { frameTypes, packFrames, streams } from '#wire/frame.ts'
import { spoiled } from './spoiled-bytes.ts'

/** Bytes that follow an upgrade: frames that nobody sends, and frames that were good once. */

const noiseFrames: fc.Arbitrary<Frame> = fc.record({ type: fc.nat(9), stream: fc.nat(3), body: fc.uint8Array({ maxLength: 64 }) })

const helloFrame = (body: Uint8Array): Frame => ({ type: frameTypes.hello, stream: streams.control, body })

function badBytes(hello: Uint8Array): fc.Arbitrary<Uint8Array> {
  const first = packFrames([helloFrame(hello)])
  return fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 200 }),
    noiseFrames.map((frame) => packFrames([frame])),
    spoiled(first),
    spoiled(hello).map((body) => packFrames([helloFrame(body)])),
    fc.array(noiseFrames, { minLength: 1, maxLength: 3 }).map((frames) => packFrames([helloFrame(hello), ...frames])),
    fc.uint8Array({ minLength: 1, maxLength: 100 }).map((body) => {
      return packFrames([
        helloFrame(hello),
        { type: frameTypes.message, stream: streams.bulk, body: Buffer.concat([body, Uint8Array.of(0xc1)]) },
      ])
    }),
    fc.constantFrom('ffffffff0000000001010000', '00000000ffffffff01010000', '7fffffff0000000001050002').map((header) => {
      return Buffer.concat([first, Buffer.from(header, 'hex')])
    }),
  )
}

/** After the upgrade of a client of that service. */
export const badClientBytes = (service: string): fc.Arbitrary<Uint8Array> =>
  badBytes(clientHello.encode({ oldest: 1, newest: 1, service, software: 'fuzz', token: null }))

/** After the upgrade of another node. */
export const badPeerBytes = (service: string): fc.Arbitrary<Uint8Array> =>
  badBytes(
    greeting.encode({
      oldest: 1,
      newest: 1,
      service,
      clusterId: null,
      name: 'stranger',
      incarnation: '0123456789abcdef',
      to: null,
      secret: false,
      nonce: new Uint8Array(32),
    }),
  )

interface Exchange {
  readonly port: number
  readonly path: string
  readonly protocol: string
  readonly bytes: Uint8Array
}

export interface Ending {
  /** Whether the node took the upgrade. */
  readonly upgraded: boolean
  /** The words with which it closed, if it had any. */
  readonly said: { readonly code: string; readonly detail: string } | null
}

let dialled = 0

/** Upgrades, sends the bytes, says that there are no more, and tells how the node ended it. */
export function endingOf({ port, path, protocol, bytes }: Exchange): Promise<Ending> {
  return new Promise((resolve, reject) => {
    // Of many addresses, so that connections that were closed do not use up the ports of one.
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, localAddress: `127.0.1.${1 + (dialled++ % 200)}` })
    let received = Buffer.alloc(0)
    socket.setTimeout(60_000, () => socket.destroy(new Error(`is still open after ${Buffer.from(bytes).toString('hex')}`)))
    socket.on('error', (error: Error & { readonly code?: string }) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
    socket.on('data', (chunk) => (received = Buffer.concat([received, chunk])))
    socket.on('close', () => resolve(endingIn(received)))
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`)
    socket.end(bytes)
  })
}

function endingIn(received: Buffer): Ending {
  const end = received.indexOf('\r\n\r\n')
  let said: Ending['said'] = null
  const decoder = new FrameDecoder()
  decoder.push(received.subarray(end + 4), ({ type, body }) => {
    const words = type === frameTypes.close ? parting.decode(body) : null
    if (words?.ok === true) said = words.value
  })
  return { upgraded: received.toString('latin1', 0, 12) === 'HTTP/1.1 101', said }
}
