import { setTimeout as sleep } from 'node:timers/promises'
import { lockRoutes } from '#api/locks/routes.ts'
import { CommandError } from '#cli/command-error.ts'
import { orRefused } from '#cli/service/service-client.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'

/** Of a lease, for clocks that do not run alike and for the time it takes to act. */
const margin = 0.1
/** Between two attempts when nobody answers. */
const retryMs = 200

interface SessionOptions {
  readonly clientId: string
  readonly ttlMs: number
}

/**
 * A session that is kept alive. Its lease counts from when the last keep-alive that was answered was *sent*, and ends here some time
 * before it can end there: then, or when the service says that the session is over, `lost` aborts with the reason in words.
 */
export class KeptSession {
  readonly id: string
  readonly #client: ServiceClient
  readonly #ttlMs: number
  readonly #lost = new AbortController()
  readonly #ended = new AbortController()
  #sentAt: number
  #watch: NodeJS.Timeout

  private constructor(
    client: ServiceClient,
    { id, sentAt, ttlMs }: { readonly id: string; readonly sentAt: number; readonly ttlMs: number },
  ) {
    this.id = id
    this.#client = client
    this.#ttlMs = ttlMs
    this.#sentAt = sentAt
    this.#watch = this.#watched()
    void this.#keep()
  }

  static async open(client: ServiceClient, { clientId, ttlMs }: SessionOptions, signal: AbortSignal): Promise<KeptSession> {
    let sentAt = 0
    const request = () => {
      sentAt = performance.now()
      return { client_id: clientId, ttl_ms: ttlMs }
    }
    const opened = orRefused(await client.call(lockRoutes.openSession, request, { signal }))
    return new KeptSession(client, { id: opened.session_id, sentAt, ttlMs: opened.ttl_ms })
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Releases all it holds and leaves all queues. Throws when nobody could be told; then it ends with its lease. */
  async end(): Promise<void> {
    this.#stop()
    await this.#client.call(lockRoutes.endSession, () => ({ session_id: this.id }))
  }

  /** When it must be taken for over. */
  get #endsAt(): number {
    return this.#sentAt + this.#ttlMs * (1 - margin)
  }

  async #keep(): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      await this.#pause(this.#sentAt + this.#ttlMs / 3 - performance.now())
      if (signal.aborted) return
      let sentAt = 0
      const request = () => {
        sentAt = performance.now()
        return { session_id: this.id }
      }
      try {
        const timeoutMs = Math.max(1, this.#endsAt - performance.now())
        const kept = await this.#client.call(lockRoutes.keepSessionAlive, request, { timeoutMs, signal })
        if (!kept.ok) return this.#lose(kept.error.message)
        this.#sentAt = sentAt
        clearTimeout(this.#watch)
        this.#watch = this.#watched()
      } catch (error) {
        if (!signal.aborted && !(error instanceof CommandError)) throw error
        await this.#pause(retryMs)
      }
    }
  }

  #watched(): NodeJS.Timeout {
    const leftMs = this.#endsAt - performance.now()
    return setTimeout(() => this.#lose(`no node has kept its session alive for ${Math.round(performance.now() - this.#sentAt)} ms`), leftMs)
  }

  #lose(reason: string): void {
    if (this.#ended.signal.aborted) return
    this.#stop()
    this.#lost.abort(reason)
  }

  #stop(): void {
    clearTimeout(this.#watch)
    this.#ended.abort()
  }

  /** Ends early with the session. */
  async #pause(ms: number): Promise<void> {
    await sleep(Math.max(0, ms), undefined, { signal: this.#ended.signal }).catch(() => {})
  }
}
