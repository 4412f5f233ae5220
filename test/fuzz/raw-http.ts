import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { HttpRequest } from './http-requests.ts'

export interface RawAnswer {
  readonly status: number
  readonly text: string
}

/** Requests one after the other on a connection that is kept for as long as the node keeps it; nothing is tidied up before it is sent. */
export class RawHttp implements Disposable {
  readonly #port: number
  #socket: Socket | null = null
  #received = Buffer.alloc(0)
  #ended = true
  #changed: () => void = () => {}
  /** Connections that were needed. */
  connections = 0

  constructor(port: number) {
    this.#port = port
  }

  /** Null when the node closed the connection without an answer. */
  async ask(request: HttpRequest): Promise<RawAnswer | null> {
    const socket = await this.#open()
    const { method, url, headers, body } = request
    const fields = Object.entries({ host: `127.0.0.1:${this.#port}`, ...headers, 'content-length': String(body?.length ?? 0) })
    const head = `${method} ${url} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
    socket.write(Buffer.concat([Buffer.from(head), body ?? Buffer.alloc(0)]))
    return this.#answer()
  }

  [Symbol.dispose](): void {
    this.#socket?.destroy()
  }

  async #open(): Promise<Socket> {
    if (this.#socket !== null && !this.#ended) return this.#socket
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true })
    this.connections++
    this.#socket = socket
    this.#ended = false
    this.#received = Buffer.alloc(0)
    const isMine = (): boolean => this.#socket === socket
    // A node may reset a connection whose bytes it has no use for.
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      if (isMine()) this.#received = Buffer.concat([this.#received, chunk])
      this.#changed()
    })
    socket.on('close', () => {
      if (isMine()) this.#ended = true
      this.#changed()
    })
    await once(socket, 'connect')
    return socket
  }

  async #answer(): Promise<RawAnswer | null> {
    for (;;) {
      const answer = this.#whole()
      if (answer !== null) return answer
      if (this.#ended) return null
      await new Promise<void>((resolve) => (this.#changed = resolve))
    }
  }

  #whole(): RawAnswer | null {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return null
    const head = this.#received.toString('latin1', 0, end)
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
    if (this.#received.length < end + 4 + length) return null
    const text = this.#received.toString('utf8', end + 4, end + 4 + length)
    this.#received = this.#received.subarray(end + 4 + length)
    if (/^connection: close$/im.test(head)) {
      this.#ended = true
      this.#socket?.destroy()
    }
    return { status, text }
  }
}
