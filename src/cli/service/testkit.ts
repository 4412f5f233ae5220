import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Pretends to be a node. */
export class FakeNode implements AsyncDisposable {
  readonly asked: string[] = []
  readonly #server: Server

  constructor(answer: RequestListener) {
    this.#server = createServer((request, response) => {
      this.asked.push(`${request.method ?? ''} ${request.url ?? ''}`)
      answer(request, response)
    })
  }

  static async of(answer: RequestListener): Promise<FakeNode> {
    const node = new FakeNode(answer)
    await new Promise<void>((resolve) => void node.#server.listen(0, '127.0.0.1', resolve))
    return node
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

export const json = (status: number, body: object): RequestListener => {
  return (_request: IncomingMessage, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
export const fault = (status: number, code: string): RequestListener =>
  json(status, { error: { code, message: 'why', retryable: status !== 409 } })
