import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ConsoleControl } from '#api/common/console.ts'

interface ControlOptions {
  /** `host:port` of the nodes, whose consoles may ask for it. */
  readonly consoles: readonly string[]
  /** True when there is a node of that name that ran. */
  readonly kill: (id: string) => boolean
}

/**
 * `POST /kill/{node_id}`: what the console of nodes that `up` runs can ask for, to show what a failure is like. It listens on this machine
 * only, on a port of its own, and does nothing without the token that those nodes were given.
 */
export class Control {
  readonly #server: Server
  readonly #token = randomBytes(24).toString('base64url')

  private constructor(options: ControlOptions) {
    this.#server = createServer((request, response) => this.#answer(request, response, options)).unref()
  }

  static async open(options: ControlOptions): Promise<Control> {
    const control = new Control(options)
    await new Promise<void>((resolve, reject) => {
      control.#server.once('error', reject).listen(0, '127.0.0.1', resolve)
    })
    return control
  }

  get place(): ConsoleControl {
    return { url: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`, token: this.#token }
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer({ method, url, headers }: IncomingMessage, response: ServerResponse, { consoles, kill }: ControlOptions): void {
    const { origin = '', authorization = '' } = headers
    if (consoles.some((address) => origin === `http://${address}` || origin === `https://${address}`)) {
      response.setHeader('access-control-allow-origin', origin)
      response.setHeader('access-control-allow-headers', 'authorization')
      response.setHeader('vary', 'Origin')
    } else if (origin !== '') return end(response, 403)
    if (method === 'OPTIONS') return end(response, 204)
    if (!isSame(authorization, `Bearer ${this.#token}`)) return end(response, 401)
    const [, id] = /^\/kill\/([a-z0-9-]{1,64})$/.exec(url ?? '') ?? []
    return end(response, method === 'POST' && id !== undefined && kill(id) ? 204 : 404)
  }
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status).end()
}

function isSame(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)]
  return one.length === other.length && timingSafeEqual(one, other)
}
