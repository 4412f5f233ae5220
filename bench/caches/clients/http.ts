import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CacheClient } from '#bench/caches/cache-client.ts'
import { HttpConnection } from '#bench/kit/http-connection.ts'
import type { HttpAnswer } from '#bench/kit/http-connection.ts'

/** Of a node that is busy, before it is asked again. */
const restMs = 100

interface HttpOptions {
  readonly ack: 'replicated' | 'owner'
  /** Each write has an id, under which it is sent again when it had no answer in time; only so many are remembered. */
  readonly named: boolean
}

/** A node of ours over HTTP: every call that is under way has a connection, and connections are kept. */
export class HttpClient implements CacheClient {
  readonly here = null
  readonly #address: string
  readonly #options: HttpOptions
  readonly #all: HttpConnection[] = []
  readonly #idle: HttpConnection[] = []

  constructor(address: string, options: HttpOptions) {
    this.#address = address
    this.#options = options
  }

  async get(key: string): Promise<string | undefined> {
    const { status, text } = await this.#ask('GET', `/read/${key}`, '', true)
    if (status === 404) return undefined
    if (status !== 200) throw new Error(`a read was answered with ${status}: ${text}`)
    return (JSON.parse(text) as { readonly value: string }).value
  }

  async set(key: string, value: string): Promise<void> {
    const { ack, named } = this.#options
    const id = named ? `,"operation_id":"${randomUUID()}"` : ''
    const body = `{"value":${JSON.stringify(value)},"ack":"${ack}"${id}}`
    const { status, text } = await this.#ask('POST', `/write/${key}`, body, named)
    if (status !== 200) throw new Error(`a write was answered with ${status}: ${text}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#all.splice(0)) connection.close()
  }

  /** Again when nothing was carried out, and what may be repeated also when it is not known. */
  async #ask(method: string, path: string, body: string, repeatable: boolean): Promise<HttpAnswer> {
    for (;;) {
      const connection = this.#idle.pop() ?? (await this.#open())
      const answer = await connection.ask(method, path, body)
      this.#idle.push(connection)
      const isTooBusy = answer.status === 503 || answer.status === 429
      if (!isTooBusy && !(answer.status === 504 && repeatable)) return answer
      await sleep(restMs)
    }
  }

  async #open(): Promise<HttpConnection> {
    const connection = await HttpConnection.open(this.#address)
    this.#all.push(connection)
    return connection
  }
}
