import { setTimeout as sleep } from 'node:timers/promises'
import { HttpConnection } from './http-connection.ts'
import type { HttpAnswer } from './http-connection.ts'

/** Of a node that is busy, before it is asked again. */
const restMs = 100

/** Connections to one node that are kept: every call that is under way has one. What a busy node refuses is asked again, and takes that much longer. */
export class HttpPool implements Disposable {
  readonly #address: string
  readonly #all: HttpConnection[] = []
  readonly #idle: HttpConnection[] = []

  constructor(address: string) {
    this.#address = address
  }

  /** What is `repeatable` is asked again also when nobody knows what came of it. */
  async ask(method: string, path: string, body: string, repeatable = false): Promise<HttpAnswer> {
    for (;;) {
      const connection = this.#idle.pop() ?? (await this.#open())
      const answer = await connection.ask(method, path, body)
      this.#idle.push(connection)
      const isTooBusy = answer.status === 503 || answer.status === 429
      if (!isTooBusy && !(answer.status === 504 && repeatable)) return answer
      await sleep(restMs)
    }
  }

  [Symbol.dispose](): void {
    for (const connection of this.#all.splice(0)) connection.close()
  }

  async #open(): Promise<HttpConnection> {
    const connection = await HttpConnection.open(this.#address)
    this.#all.push(connection)
    return connection
  }
}
