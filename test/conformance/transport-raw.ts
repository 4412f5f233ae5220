import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type Socket, connect } from 'node:net'
import { Handshake, type Identity, nonceBytes, protocolVersions } from '#io/transport/handshake.ts'
import { peerPath } from '#io/transport/upgrade.ts'
import { type Parting, parting } from '#wire/control.ts'
import { FrameDecoder } from '#wire/frame-decoder.ts'
import { type Frame, frameTypes, packFrames } from '#wire/frame.ts'

/** A socket that went through the upgrade, or also the handshake, and from then on does whatever a test wants. */
export class RawPeer {
  readonly socket: Socket
  /** Frames that came, with bodies of their own. */
  readonly frames: Frame[] = []
  readonly closed: Promise<void>
  readonly #decoder = new FrameDecoder()
  #noticed: () => void = () => {}

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.closed = new Promise((resolve) => void this.socket.on('close', () => resolve()))
    // What a test provokes may end in a reset: `closed` tells.
    this.socket.on('error', () => {})
  }

  async upgrade(): Promise<this> {
    this.socket.write(`GET ${peerPath} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: lockstep\r\n\r\n`)
    const answer = await new Promise<Buffer>((resolve, reject) => {
      this.socket.once('data', resolve)
      this.socket.once('close', () => reject(new Error('closed before the upgrade')))
    })
    assert.match(answer.toString('latin1'), /^HTTP\/1\.1 101 .*\r\n\r\n$/s)
    this.socket.on('data', (chunk) => {
      this.#decoder.push(chunk, (frame) => this.frames.push({ ...frame, body: Uint8Array.from(frame.body) }))
      this.#noticed()
    })
    this.socket.on('close', () => this.#noticed())
    return this
  }

  /** Introduces itself as a node of the cluster that `tcpNode` makes. */
  async greet(self: Partial<Identity> = {}): Promise<this> {
    const handshake = new Handshake({
      role: 'dialler',
      self: {
        name: 'raw',
        incarnation: 'f'.repeat(16),
        service: 'lock',
        clusterId: 'cluster-1',
        secret: 'a secret of the cluster',
        versions: protocolVersions,
        ...self,
      },
      expected: null,
      nonce: randomBytes(nonceBytes),
    })
    this.send(handshake.opening())
    const hello = handshake.receive(await this.frame(frameTypes.hello))
    assert(hello.type === 'continue')
    this.send(hello.reply)
    assert.equal(handshake.receive(await this.frame(frameTypes.proof)).type, 'established')
    return this
  }

  send(...frames: readonly Frame[]): void {
    this.socket.write(packFrames(frames))
  }

  /** The first frame of that type. */
  async frame(type: number): Promise<Frame> {
    await this.until(() => this.frames.some((frame) => frame.type === type) || this.socket.destroyed)
    const found = this.frames.find((frame) => frame.type === type)
    assert(found !== undefined, `no frame of type ${type} came`)
    return found
  }

  /** Why the node closed the connection. */
  async dismissal(): Promise<Parting> {
    const decoded = parting.decode((await this.frame(frameTypes.close)).body)
    assert(decoded.ok)
    return decoded.value
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => void (this.#noticed = resolve))
  }
}

export const rawPeer = (port: number): Promise<RawPeer> => new RawPeer(port).upgrade()
