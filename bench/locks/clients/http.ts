import { Client } from 'undici'
import type { HeldLock, LockClient, LockClients } from '#bench/locks/lock-client.ts'

/** Our nodes over HTTP: each client has a connection of its own to one node, and keeps it. */
export class HttpClients implements LockClients {
  readonly #addresses: readonly string[]
  readonly #connections: Client[] = []

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses
  }

  async newClient(position: number): Promise<LockClient> {
    const connection = new Client(`http://${this.#addresses[position % this.#addresses.length]}`)
    this.#connections.push(connection)
    return new HttpLocker(connection, `client-${position}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#connections.splice(0).map((connection) => connection.destroy()))
  }
}

/** Longer than any wait here, as nobody waits who is not served in turn. */
const waitMs = 60_000

class HttpLocker implements LockClient {
  readonly #connection: Client
  readonly #id: string

  constructor(connection: Client, id: string) {
    this.#connection = connection
    this.#id = id
  }

  async acquire(name: string): Promise<HeldLock> {
    const names = { resource_id: name, client_id: this.#id }
    const { status, fencing_token: token } = await this.#post('/acquire', { ...names, wait_ms: waitMs })
    if (status !== 'granted' || typeof token !== 'number') throw new Error(`an acquire was answered with ${String(status)}`)
    return {
      token,
      release: async () => {
        const answer = await this.#post('/release', { ...names, fencing_token: token })
        if (answer['status'] !== 'released') throw new Error(`a release was answered with ${String(answer['status'])}`)
      },
    }
  }

  async #post(path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    const headers = { 'content-type': 'application/json' }
    const response = await this.#connection.request({ method: 'POST', path, headers, body: JSON.stringify(body) })
    const text = await response.body.text()
    if (response.statusCode !== 200) throw new Error(`${path} was answered with ${response.statusCode}: ${text}`)
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  }
}
