import { deferred } from '#base/deferred.ts'
import { Endpoints } from './endpoints.ts'
import { LockstepError } from './errors.ts'
import type { Attempt } from './uplink.ts'

/** The first connection: made, or every address tried once. */
export class Connecting<Client> {
  readonly endpoints: Endpoints
  readonly done: Promise<Client>
  readonly up: (client: Client) => void
  readonly #reject: (error: LockstepError) => void
  readonly #tried: Attempt[] = []
  #isOver = false

  constructor(urls: readonly string[], service: string) {
    this.endpoints = new Endpoints(urls, service)
    const { promise, resolve, reject } = deferred<Client>()
    this.done = promise
    this.up = (client) => {
      this.#isOver = true
      resolve(client)
    }
    this.#reject = reject
  }

  failed(attempt: Attempt): void {
    if (this.#isOver) return
    this.#tried.push(attempt)
    if (this.#tried.length >= this.endpoints.all().length) this.#fail('no node could be reached')
  }

  outOfTime(ms: number): void {
    this.#fail(`no node answered within ${ms} ms`)
  }

  #fail(what: string): void {
    this.#isOver = true
    const tried = this.#tried.slice(0, this.endpoints.all().length)
    const why = tried.map(({ address, reason }) => `${address}: ${reason}`).join('; ')
    const details = { tried: tried.map(({ address, reason }) => ({ address, reason })) }
    // Other nodes and later attempts would say the same.
    const isUnauthorized = tried.length > 0 && tried.every(({ code }) => code === 'unauthorized')
    if (isUnauthorized) return this.#reject(new LockstepError('unauthorized', `no node lets this client in: ${why}`, { details }))
    this.#reject(new LockstepError('connection_failed', `${what}: ${why === '' ? 'all attempts are still under way' : why}`, { details }))
  }
}
