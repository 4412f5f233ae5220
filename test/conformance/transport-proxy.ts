import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'
import { Transform } from 'node:stream'

/** A TCP proxy for a link of bounded speed, or one that can go quiet without closing. */
export class Proxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #quiet = false

  private constructor(server: Server) {
    this.#server = server
  }

  static async to(port: number, options: { readonly bytesPerMs?: number } = {}): Promise<Proxy> {
    const server = createServer({ noDelay: true })
    const proxy = new Proxy(server)
    server.on('connection', (near) => proxy.#join(near, connect({ host: '127.0.0.1', port, noDelay: true }), options.bytesPerMs ?? null))
    await new Promise<void>((resolve) => void server.listen({ host: '127.0.0.1', port: 0 }, resolve))
    return proxy
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get connections(): number {
    return this.#sockets.size / 2
  }

  /** From now on nothing passes, and no end is told. */
  goQuiet(): void {
    this.#quiet = true
    for (const socket of this.#sockets) socket.unpipe().pause()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(near: Socket, far: Socket, bytesPerMs: number | null): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      // Either end's errors end both, which is all a proxy has to say.
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.#sockets.delete(from)
        if (!this.#quiet) to.destroySoon()
      })
      if (this.#quiet) from.pause()
      else if (bytesPerMs === null) from.pipe(to)
      else from.pipe(throttle(bytesPerMs)).pipe(to)
    }
  }
}

/** Lets bytes through at that speed; holds only what one read brought. */
function throttle(bytesPerMs: number): Transform {
  let freeAt = 0
  return new Transform({
    highWaterMark: 16 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      const now = performance.now()
      freeAt = Math.max(freeAt, now) + chunk.length / bytesPerMs
      setTimeout(() => done(null, chunk), Math.max(0, freeAt - now))
    },
  })
}
