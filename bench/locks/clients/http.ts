import { HttpConnection } from '#bench/kit/http-connection.ts'
import type { HeldLock, LockClient, LockClients } from '#bench/locks/lock-client.ts'

/** Our nodes over HTTP: each client has a connection of its own to one node, and keeps it. */
export class HttpClients implements LockClients {
  readonly #addresses: readonly string[]
  readonly #connections: HttpConnection[] = []

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses
  }

  async newClient(position: number): Promise<LockClient> {
    const connection = await HttpConnection.open(this.#addresses[position % this.#addresses.length] ?? '')
    this.#connections.push(connection)
    return new HttpLocker(connection, `client-${position}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections.splice(0)) connection.close()
  }
}

/** Longer than any wait here, as nobody waits who is not served in turn. */
const waitMs = 60_000

class HttpLocker implements LockClient {
  readonly #connection: HttpConnection
  readonly #id: string

  constructor(connection: HttpConnection, id: string) {
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
    const { status, text } = await this.#connection.post(path, JSON.stringify(body))
    if (status !== 200) throw new Error(`${path} was answered with ${status}: ${text}`)
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  }
}
