import type { Millis } from '#base/brand.ts'
import type { CacheLimits } from './limits.ts'
import type { Identity, Outcome } from './types.ts'

interface Client {
  usedAt: Millis
  /** It has seen the outcomes of all its changes up to here, and sends none of them again. */
  confirmed: number
  /** The largest number whose outcome had to make room for others. Up to here one that is not kept may have been carried out. */
  forgotten: number
  /** In the order in which they were carried out. */
  readonly outcomes: Map<number, Outcome>
}

/**
 * Outcomes kept for clients that may ask again by another agent (decision C6): for each client until it has seen them, and not for each key,
 * where a busy one would push them out.
 */
export class ClientOutcomes {
  readonly limits: CacheLimits
  /** Least recently used first. */
  readonly clients = new Map<string, Client>()

  constructor(limits: CacheLimits) {
    this.limits = limits
  }

  /** The outcome instead of carrying the change out; null when it is to be carried out, and recorded. */
  find(identity: Identity, { time, isReborn }: { readonly time: Millis; readonly isReborn: boolean }): Outcome | null {
    // Nobody remembers what was carried out in the life before.
    const unlessKept: Outcome | null = identity.again && isReborn ? { type: 'unknown' } : null
    expire(this, time)
    const client = this.clients.get(identity.client)
    if (client === undefined) {
      if (identity.retry) return { type: 'unknown' }
      if (unlessKept !== null) return unlessKept
      if (this.clients.size >= this.limits.clientsMax) return { type: 'refused', code: 'too_many_clients' }
      this.clients.set(identity.client, { usedAt: time, confirmed: identity.confirmed, forgotten: 0, outcomes: new Map() })
      return null
    }
    this.clients.delete(identity.client)
    this.clients.set(identity.client, client)
    client.usedAt = time
    confirm(client, identity.confirmed)
    if (identity.sequence <= client.confirmed) return { type: 'unknown' }
    return client.outcomes.get(identity.sequence) ?? (mayBeForgotten(client, identity) ? { type: 'unknown' } : unlessKept)
  }

  record({ client: id, sequence }: Identity, outcome: Outcome): void {
    const client = this.clients.get(id)
    if (client === undefined || sequence <= client.confirmed) return
    client.outcomes.set(sequence, outcome)
    if (client.outcomes.size <= this.limits.outcomesPerClientMax) return
    for (const oldest of client.outcomes.keys()) {
      client.outcomes.delete(oldest)
      client.forgotten = Math.max(client.forgotten, oldest)
      return
    }
  }
}

/** A first attempt was carried out by nobody before: it has waited while its client made more changes than are kept. */
const mayBeForgotten = ({ forgotten }: Client, { sequence, again, retry }: Identity): boolean => sequence <= forgotten && (again || retry)

function expire({ clients, limits }: ClientOutcomes, time: Millis): void {
  for (const [id, { usedAt }] of clients) {
    if (time - usedAt <= limits.clientIdleMs) return
    clients.delete(id)
  }
}

function confirm(client: Client, confirmed: number): void {
  if (confirmed <= client.confirmed) return
  client.confirmed = confirmed
  for (const sequence of client.outcomes.keys()) if (sequence <= confirmed) client.outcomes.delete(sequence)
}
