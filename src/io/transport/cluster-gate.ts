/**
 * Whether both ends of one connection belong to the same cluster yet. A connection may be made before a cluster is formed; each end
 * then says on it when it has an id, and until both have said so only what forms a cluster may pass (decision R3).
 */
export class ClusterGate {
  readonly #own: () => string | null
  #told: string | null
  #heard: string | null
  #settled = false

  /** `told` and `heard` are what the two hellos said; `own` is what is true now. */
  constructor({ own, told, heard }: { own: () => string | null; told: string | null; heard: string | null }) {
    this.#own = own
    this.#told = told
    this.#heard = heard
  }

  hear(clusterId: string): void {
    this.#heard = clusterId
    this.#settled = false
  }

  /** Both ends know that they belong together: nothing is left to ask or to say. */
  get settled(): boolean {
    return this.#settled
  }

  check(): 'same-cluster' | 'unformed' | 'other-cluster' {
    const own = this.#own()
    if (own === null || this.#heard === null) return 'unformed'
    if (own !== this.#heard) return 'other-cluster'
    this.#settled = own === this.#told
    return 'same-cluster'
  }

  /** The own id, once, when the other end does not know it yet. */
  announcement(): string | null {
    const own = this.#own()
    if (own === this.#told) return null
    this.#told = own
    return own
  }
}
