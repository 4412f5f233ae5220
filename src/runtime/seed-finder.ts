import type { Clock } from '#ports/clock.ts'

/** Asks a name server; nobody for a name that is not known, or when there was no answer. */
export type LookUp = (host: string, done: (addresses: readonly string[]) => void) => void

interface SeedPorts {
  readonly clock: Clock
  readonly lookUp: LookUp
  readonly post: (task: () => void) => void
}

/**
 * Finds the nodes behind the names of seeds, again and again until it is stopped: a name may stand for all nodes of a cluster, of which some come
 * and go. What it finds is only asked whether it belongs to a cluster; no list of voters is ever made of it (decision R3).
 */
export class SeedFinder {
  readonly #ports: SeedPorts
  readonly #seeds: readonly { readonly host: string; readonly port: string }[]
  readonly #found: (addresses: readonly string[]) => void
  readonly #known = new Map<string, readonly string[]>()
  #stopped = false

  /** `found` is told of all addresses whenever they are others than before. */
  constructor(ports: SeedPorts, seeds: readonly string[], found: (addresses: readonly string[]) => void) {
    this.#ports = ports
    this.#seeds = seeds.flatMap((seed) => partsOf(seed) ?? [])
    this.#found = found
  }

  start(): void {
    if (this.#seeds.length > 0) this.#round()
  }

  stop(): void {
    this.#stopped = true
  }

  #round(): void {
    if (this.#stopped) return
    const { clock, lookUp, post } = this.#ports
    for (const { host, port } of this.#seeds) {
      lookUp(host, (addresses) => post(() => this.#answered(`${host}:${port}`, addresses.map((address) => `${address}:${port}`).sort())))
    }
    clock.after(roundMs, () => post(() => this.#round()))
  }

  /** Without an answer, who was found before may still be there. */
  #answered(seed: string, addresses: readonly string[]): void {
    if (this.#stopped || addresses.length === 0 || this.#known.get(seed)?.join() === addresses.join()) return
    this.#known.set(seed, addresses)
    this.#found([...new Set([...this.#known.values()].flat())])
  }
}

/** Null for an address that needs no name server. */
function partsOf(seed: string): { readonly host: string; readonly port: string } | null {
  const [, host, port] = /^(.*):(\d+)$/.exec(seed) ?? []
  return host === undefined || port === undefined || /^[\d.]+$|:/.test(host) ? null : { host, port }
}

const roundMs = 2_000
