import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

export interface HttpAnswer {
  readonly status: number
  readonly text: string
}

/** Says by its `code` why there was no answer; what the system says has a code as well. */
export class NoAnswer extends Error {
  readonly code: 'closed' | 'deadline' | 'malformed'

  constructor(code: NoAnswer['code'], message: string) {
    super(message)
    this.code = code
  }
}

/**
 * One HTTP/1.1 connection that is kept, with one request at a time. It costs a load generator, which shares the processor with the servers it
 * measures, a quarter of what a whole HTTP client does; so it takes only answers that say how long they are.
 */
export class HttpConnection {
  readonly #socket: Socket
  readonly #host: string
  #received = ''
  #asked: PromiseWithResolvers<HttpAnswer> | null = null
  #ended: Error | null = null
  /** The server closes the connection after the answer it has given. */
  #isLast = false

  /** Takes a request at once; whether it can be connected is seen by that one. */
  constructor(address: string) {
    const [host = '', port] = address.split(':')
    const socket = connect({ host, port: Number(port), noDelay: true })
    this.#socket = socket
    this.#host = address
    // A byte is a character until a whole answer is there.
    socket.setEncoding('latin1')
    socket.on('data', (bytes: string) => this.#read(bytes))
    socket.on('error', (error) => this.#end(error))
    socket.on('close', () => this.#end(new NoAnswer('closed', `${address} has closed the connection`)))
  }

  static async open(address: string): Promise<HttpConnection> {
    const connection = new HttpConnection(address)
    await once(connection.#socket, 'connect')
    return connection
  }

  get isOpen(): boolean {
    return this.#ended === null && !this.#isLast
  }

  post(path: string, body: string): Promise<HttpAnswer> {
    return this.ask('POST', path, body)
  }

  /** An empty body is none. */
  ask(method: string, path: string, body = ''): Promise<HttpAnswer> {
    if (this.#asked !== null) throw new Error('one request at a time')
    if (this.#ended !== null) return Promise.reject(this.#ended)
    this.#asked = Promise.withResolvers()
    const length = Buffer.byteLength(body)
    const type = length === 0 ? '' : 'content-type: application/json\r\n'
    const head = `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${type}content-length: ${length}\r\n\r\n`
    this.#socket.write(head + body)
    return this.#asked.promise
  }

  /** A request that has no answer yet fails with that reason. */
  close(reason?: Error): void {
    this.#socket.destroy(reason)
  }

  #read(bytes: string): void {
    this.#received += bytes
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd === -1) return
    const head = this.#received.slice(0, headEnd)
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    if (length === undefined) {
      this.#socket.destroy(new NoAnswer('malformed', `an answer without a length: ${head}`))
      return
    }
    const end = headEnd + 4 + Number(length)
    if (this.#received.length < end) return
    const text = Buffer.from(this.#received.slice(headEnd + 4, end), 'latin1').toString()
    this.#received = this.#received.slice(end)
    this.#isLast = /\r\nconnection: close/i.test(head)
    const asked = this.#asked
    this.#asked = null
    asked?.resolve({ status: Number(head.slice(9, 12)), text })
  }

  #end(error: Error): void {
    this.#ended ??= error
    this.#asked?.reject(error)
    this.#asked = null
  }
}
