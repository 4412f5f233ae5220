import type { ClientId, Hop, Item, LockMode, OwnerRef } from '#core/lock/types.ts'

/** A request in the queues of its resources. */
export interface Waiting {
  readonly owner: OwnerRef
  readonly items: readonly Item[]
  /** Its place in the log. */
  readonly order: number
  /** Goes ahead of the queue, for its owner holds the resource shared. */
  readonly upgrade: boolean
}

/** A lock that is held. */
export interface Held {
  readonly owner: OwnerRef
  readonly mode: LockMode
  readonly token: number
}

/**
 * Who holds and who waits, as the log says: a second opinion on the machine, which shares no code with it and has no graph and no links. All its
 * questions are answered by looking at everybody.
 */
export class Queues {
  readonly #waiting = new Map<string, Waiting>()
  readonly #held = new Map<string, Held[]>()

  get isEmpty(): boolean {
    return this.#waiting.size === 0 && this.#held.size === 0
  }

  get waiting(): Iterable<Waiting> {
    return this.#waiting.values()
  }

  holders(resource: string): readonly Held[] {
    return this.#held.get(resource) ?? nobody
  }

  find(owner: OwnerRef, items: readonly Item[]): Waiting | undefined {
    return this.#waiting.get(keyOf(owner, items))
  }

  /** A request at this place of the log, as it would wait. */
  asking(owner: OwnerRef, items: readonly Item[], order: number): Waiting {
    const [item] = items
    const upgrade = items.length === 1 && item !== undefined && this.holders(item.resource).some((held) => isSame(held.owner, owner))
    return { owner, items, order, upgrade }
  }

  queue(request: Waiting): void {
    this.#waiting.set(keyOf(request.owner, request.items), request)
  }

  leave(owner: OwnerRef, items: readonly Item[]): void {
    this.#waiting.delete(keyOf(owner, items))
  }

  hold(resource: string, held: Held): void {
    const others = this.holders(resource).filter((other) => !isSame(other.owner, held.owner))
    this.#held.set(resource, [...others, held])
  }

  letGo(resource: string, owner: OwnerRef): void {
    const left = this.holders(resource).filter((other) => !isSame(other.owner, owner))
    if (left.length === 0) this.#held.delete(resource)
    else this.#held.set(resource, left)
  }

  /** Two that hold a resource and may not. */
  conflict(resource: string): readonly [Held, Held] | null {
    const holders = this.holders(resource)
    const [first, second] = holders
    if (first === undefined || second === undefined) return null
    return holders.some(({ mode }) => mode === 'exclusive') ? [first, second] : null
  }

  /** Requests in front of this one at a resource. */
  inFront(request: Waiting, resource: string): readonly Waiting[] {
    return [...this.#waiting.values()].filter((other) => wants(other, resource) !== null && isAhead(other, request))
  }

  /** Nobody in front of it and no holder in its way, anywhere. */
  isNext(request: Waiting): boolean {
    return request.items.every(
      ({ resource, mode }) => this.inFront(request, resource).length === 0 && this.#inTheWay(request, resource, mode).length === 0,
    )
  }

  /** What is wrong with a cycle that somebody was told of; null when it is there. `request` is being decided. */
  faultOfCycle(cycle: readonly Hop[], length: number, request: Waiting): string | null {
    if (cycle.length !== length) return null
    for (const [at, hop] of cycle.entries()) {
      const next = cycle[(at + 1) % cycle.length]
      if (next !== undefined && !this.#isHop(hop, next.client, request))
        return `${hop.client} does not wait at ${hop.resource} behind ${next.client}, a ${hop.behind}`
    }
    return null
  }

  /**
   * Who is never granted anything, even if everybody who waits for nothing releases all, and whoever is granted everything releases that
   * as well.
   */
  stuck(): readonly Waiting[] {
    let left = [...this.#waiting.values()]
    for (let before = Infinity; left.length < before;) {
      before = left.length
      const still = left
      const isBusy = (client: ClientId): boolean => still.some(({ owner }) => owner.client === client)
      left = still.filter(
        (request) =>
          !request.items.every(
            ({ resource, mode }) =>
              this.#inTheWay(request, resource, mode).every(({ owner }) => !isBusy(owner.client)) &&
              this.inFront(request, resource).every((other) =>
                mode === 'shared' && wants(other, resource) === 'shared' ? !still.includes(other) : !isBusy(other.owner.client),
              ),
          ),
      )
    }
    return left
  }

  #inTheWay(request: Waiting, resource: string, mode: LockMode): readonly Held[] {
    return this.holders(resource).filter(
      (held) => (mode === 'exclusive' || held.mode === 'exclusive') && !(request.upgrade && isSame(held.owner, request.owner)),
    )
  }

  #isHop({ client, resource, behind }: Hop, next: ClientId, request: Waiting): boolean {
    const all = [...this.#waiting.values(), request]
    return all.some((one) => {
      const mode = wants(one, resource)
      if (one.owner.client !== client || mode === null) return false
      if (behind === 'holder') return this.#inTheWay(one, resource, mode).some(({ owner }) => owner.client === next)
      return all.some((other) => other.owner.client === next && wants(other, resource) !== null && isAhead(other, one))
    })
  }
}

const nobody: readonly Held[] = []

const keyOf = ({ client, session }: OwnerRef, items: readonly Item[]): string =>
  `${client}|${session}|${items.map(({ resource, mode }) => `${resource} ${mode}`).join('|')}`

const isSame = (left: OwnerRef, right: OwnerRef): boolean => left.client === right.client && left.session === right.session

const wants = ({ items }: Waiting, resource: string): LockMode | null => items.find((item) => item.resource === resource)?.mode ?? null

function isAhead(other: Waiting, request: Waiting): boolean {
  if (isSame(other.owner, request.owner) && other.order === request.order) return false
  if (other.upgrade !== request.upgrade) return other.upgrade
  return other.order < request.order
}
