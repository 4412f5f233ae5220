import { HttpPool } from '#bench/kit/http-pool.ts'
import type { HeldLock, LockClient, LockClients } from '#bench/locks/lock-client.ts'

/** Our nodes over HTTP: each client has a connection of its own to one node, and keeps it. */
export class HttpClients implements LockClients {
  readonly #addresses: readonly string[]
  readonly #pools: HttpPool[] = []

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses
  }

  async newClient(position: number): Promise<LockClient> {
    const pool = new HttpPool(this.#addresses[position % this.#addresses.length] ?? '', 2 * waitMs)
    this.#pools.push(pool)
    return new HttpLocker(pool, `client-${position}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pool of this.#pools.splice(0)) pool[Symbol.dispose]()
  }
}

/** Longer than any wait here, as nobody waits who is not served in turn. */
const waitMs = 60_000

class HttpLocker implements LockClient {
  readonly #pool: HttpPool
  readonly #id: string

  constructor(pool: HttpPool, id: string) {
    this.#pool = pool
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
    const { status, text } = await this.#pool.askUntilTaken('POST', path, JSON.stringify(body))
    if (status !== 200) throw new Error(`${path} was answered with ${status}: ${text}`)
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  }
}
