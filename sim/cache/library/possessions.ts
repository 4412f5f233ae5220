import type { AgentState } from '#core/cache/agent-state.ts'
import type { Claim, Claims } from '#sim/cache/claims.ts'
import type { CacheInput } from '#sim/cache/cache-model.ts'
import type { Belongings } from '#sim/clients/program.ts'
import type { Applications } from './applications.ts'
import type { OpenCache, Use } from './open-cache.ts'

interface Ports {
  readonly claims: Claims
  readonly applications: Applications
  readonly did: (action: string) => void
}

/**
 * What a program has of the cache: its agents, and calls that are not answered. A line is its own for as long as its lease lasts, also while the program stands
 * still; what it reads in the first moment after that must be the truth.
 */
export class Possessions implements Belongings {
  readonly #ports: Ports
  readonly #caches = new Set<OpenCache>()
  readonly #open = new Set<Claim>()

  constructor(ports: Ports) {
    this.#ports = ports
  }

  opened(cache: OpenCache): void {
    this.#caches.add(cache)
  }

  called({ handle: { name } }: Use, key: string, input: CacheInput): Claim {
    const claim = this.#ports.claims.called(name, key, input)
    this.#open.add(claim)
    return claim
  }

  /** To be called as soon as somebody knows what became of it, or nobody will. */
  over(claim: Claim): void {
    this.#open.delete(claim)
  }

  pause(): void {
    // The clock of the program goes on, and its leases with it.
  }

  lookAtAll(): void {
    const { claims, did } = this.#ports
    for (const cache of this.#caches)
      for (const use of cache.uses) {
        const value = use.handle.cache.getSync(use.name)
        if (value === undefined) continue
        did('library-look-after-a-pause')
        claims.readValue(claims.called(use.handle.name, use.key, { type: 'read' }), value, cache.state.id)
      }
  }

  resume(): void {
    // What comes to it then is looked at where it comes.
  }

  /** All were closed. */
  closed(): void {
    this.#leave((state) => this.#ports.applications.closed(state))
  }

  forget(): void {
    this.#leave((state) => this.#ports.applications.died(state))
    for (const claim of this.#open) this.#ports.claims.doubtful(claim)
    this.#open.clear()
  }

  #leave(tell: (state: AgentState) => void): void {
    for (const { state } of this.#caches) tell(state)
    this.#caches.clear()
  }
}
