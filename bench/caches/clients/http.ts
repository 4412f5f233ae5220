import { randomUUID } from 'node:crypto'
import type { CacheClient } from '#bench/caches/cache-client.ts'
import { HttpPool } from '#bench/kit/http-pool.ts'

interface HttpOptions {
  readonly ack: 'replicated' | 'owner'
  /** Each write has an id, under which it is sent again when it had no answer in time; only so many are remembered. */
  readonly named: boolean
}

/** A node of ours over HTTP. */
export class HttpClient implements CacheClient {
  readonly here = null
  readonly #options: HttpOptions
  readonly #pool: HttpPool

  constructor(address: string, options: HttpOptions) {
    this.#options = options
    this.#pool = new HttpPool(address)
  }

  async get(key: string): Promise<string | undefined> {
    const { status, text } = await this.#pool.askUntilTaken('GET', `/read/${key}`, '', true)
    if (status === 404) return undefined
    if (status !== 200) throw new Error(`a read was answered with ${status}: ${text}`)
    return (JSON.parse(text) as { readonly value: string }).value
  }

  async set(key: string, value: string): Promise<void> {
    const { ack, named } = this.#options
    const id = named ? `,"operation_id":"${randomUUID()}"` : ''
    const body = `{"value":${JSON.stringify(value)},"ack":"${ack}"${id}}`
    const { status, text } = await this.#pool.askUntilTaken('POST', `/write/${key}`, body, named)
    if (status !== 200) throw new Error(`a write was answered with ${status}: ${text}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pool[Symbol.dispose]()
  }
}
