import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { greeting } from '#wire/control.ts'
import { FrameDecoder } from '#wire/frame-decoder.ts'
import { frameTypes } from '#wire/frame.ts'

/** The links between nodes as the proxies see them: which nodes are cut off from all others, and which are not heard. */
export class PeerNetwork {
  readonly #cut = new Set<string>()
  readonly #muted = new Set<string>()
  readonly #deafened = new Set<string>()
  readonly #links = new Set<Link>()

  /** From now on nothing passes to or from that node, and nobody is told. */
  cutOff(name: string): void {
    this.#cut.add(name)
    for (const link of this.#links) link.adjust()
  }

  /** From now on nothing that this node says arrives, while it goes on hearing the others. */
  mute(name: string): void {
    this.#muted.add(name)
    for (const link of this.#links) link.adjust()
  }

  /** From now on nothing that others say arrives at this node, while they go on hearing it. */
  deafen(name: string): void {
    this.#deafened.add(name)
    for (const link of this.#links) link.adjust()
  }

  /** What was held back arrives, late. */
  heal(): void {
    this.#cut.clear()
    this.#muted.clear()
    this.#deafened.clear()
    for (const link of this.#links) link.adjust()
  }

  /** Whether what the one says may not reach the other. */
  holdsBack(speaker: string | null, hearer: string | null): boolean {
    if ((speaker !== null && this.#muted.has(speaker)) || (hearer !== null && this.#deafened.has(hearer))) return true
    return [speaker, hearer].some((name) => name !== null && this.#cut.has(name))
  }

  join(link: Link): void {
    this.#links.add(link)
  }

  leave(link: Link): void {
    this.#links.delete(link)
  }
}

/** Stands where other nodes find one node, and passes on what they say. */
export class PeerProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #links = new Set<Link>()

  private constructor(server: Server) {
    this.#server = server
  }

  static async to(target: { readonly name: string; readonly port: number }, network: PeerNetwork): Promise<PeerProxy> {
    const server = createServer({ noDelay: true, pauseOnConnect: true })
    const proxy = new PeerProxy(server)
    server.on('connection', (near) => {
      const link = new Link({ near, far: connect({ host: '127.0.0.1', port: target.port, noDelay: true }), to: target.name, network })
      proxy.#links.add(link)
    })
    await new Promise<void>((resolve) => {
      server.listen({ host: '127.0.0.1', port: 0 }, resolve)
    })
    return proxy
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links) link.end()
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
  }
}

interface LinkOptions {
  readonly near: Socket
  readonly far: Socket
  /** The node behind the proxy. */
  readonly to: string
  readonly network: PeerNetwork
}

/** One connection through a proxy. Who dialled is in the first frame after the upgrade, so it is known before that frame passes. */
class Link {
  readonly #options: LinkOptions
  readonly #decoder = new FrameDecoder()
  #head = Buffer.alloc(0)
  #upgraded = false
  #from: string | null = null

  constructor(options: LinkOptions) {
    this.#options = options
    const { near, far, network } = options
    for (const socket of [near, far]) {
      // Whatever ends one side ends both, which is all a proxy has to say.
      socket.on('error', () => this.end())
      socket.on('close', () => this.end())
    }
    near.on('data', (chunk: Buffer) => {
      if (this.#from === null) this.#inspect(chunk)
      far.write(chunk)
      this.adjust()
    })
    far.on('data', (chunk: Buffer) => near.write(chunk))
    network.join(this)
    this.adjust()
  }

  adjust(): void {
    const { near, far, to, network } = this.#options
    // Each socket is read for what its own end says.
    for (const [socket, isHeldBack] of [
      [near, network.holdsBack(this.#from, to)],
      [far, network.holdsBack(to, this.#from)],
    ] as const) {
      if (isHeldBack) socket.pause()
      else socket.resume()
    }
  }

  end(): void {
    const { near, far, network } = this.#options
    network.leave(this)
    near.destroy()
    far.destroy()
  }

  #inspect(chunk: Buffer): void {
    let frames = chunk
    if (!this.#upgraded) {
      this.#head = Buffer.concat([this.#head, chunk])
      const end = this.#head.indexOf('\r\n\r\n')
      if (end < 0) return
      this.#upgraded = true
      frames = this.#head.subarray(end + 4)
    }
    this.#decoder.push(frames, ({ type, body }) => {
      const hello = type === frameTypes.hello && this.#from === null ? greeting.decode(body) : null
      if (hello?.ok === true) this.#from = hello.value.name
    })
  }
}
