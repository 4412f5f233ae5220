import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { HeapItem } from '#base/indexed-heap.ts'
import { IndexedHeap } from '#base/indexed-heap.ts'
import type { ExpireSessions, SessionId } from './types.ts'

/**
 * What the leader remembers about sessions and the log does not: until when each is kept alive, by the leader's own monotonic clock.
 *
 * Decision L1. 1. Session S is over at the leader, which proposes that it ends; the entry is under way. 2. A late keep-alive of S arrives. Were it
 * answered, its client would count on another full lease. 3. The entry is committed: S ends, its lock goes to another, and two clients hold
 * it. So from the moment it proposes the end, the leader keeps S alive no more; and a new leader begins only when it has applied an entry
 * of its own term, for then the ends that its predecessor proposed have been carried out, or, under their term, never will be.
 *
 * A new leader does not know what its predecessor answered, so every session has a full lease from the beginning of its term.
 */
export class SessionLeases {
  #term: number | null = null
  readonly #leases = new Map<SessionId, Lease>()
  readonly #running = new IndexedHeap<Lease>(isEarlier)

  /** This replica leads, and has applied an entry of its own term. */
  lead(term: number, sessions: Iterable<SessionTerms>, now: Millis): void {
    this.follow()
    this.#term = term
    for (const session of sessions) this.opened(session, now)
  }

  /** This replica leads no more. */
  follow(): void {
    this.#term = null
    for (const lease of this.#leases.values()) this.#stop(lease)
    this.#leases.clear()
  }

  /** The machine has opened a session. */
  opened({ id, ttlMs }: SessionTerms, now: Millis): void {
    if (this.#term === null || this.#leases.has(id)) return
    const lease: Lease = { id, ttlMs, until: millis(now + ttlMs), slot: -1 }
    this.#leases.set(id, lease)
    this.#running.push(lease)
  }

  /** The machine has ended a session. */
  ended(id: SessionId): void {
    const lease = this.#leases.get(id)
    if (lease === undefined) return
    this.#stop(lease)
    this.#leases.delete(id)
  }

  /**
   * To be answered only while the leadership lease is valid. `ending`: the answer is `session_lost`, once that entry is applied; `unknown`: there is
   * no such session; `not-leading`: ask elsewhere, or later.
   */
  keepAlive(id: SessionId, now: Millis): 'renewed' | 'ending' | 'unknown' | 'not-leading' {
    if (this.#term === null) return 'not-leading'
    const lease = this.#leases.get(id)
    if (lease === undefined) return 'unknown'
    if (!this.#running.has(lease)) return 'ending'
    lease.until = millis(now + lease.ttlMs)
    this.#running.update(lease)
    return 'renewed'
  }

  /** When the next lease is over; null while none is running. */
  nextDeadline(): Millis | null {
    return this.#running.peek()?.until ?? null
  }

  /** What is to be proposed now, if anything: from here on these sessions are not kept alive. */
  takeOverdue(now: Millis, max: number): ExpireSessions | null {
    const sessions: SessionId[] = []
    for (let first = this.#running.peek(); first !== undefined && first.until <= now; first = this.#running.peek()) {
      if (sessions.length === max) break
      this.#running.remove(first)
      sessions.push(first.id)
    }
    return this.#term === null || sessions.length === 0 ? null : { type: 'expire-sessions', term: this.#term, sessions }
  }

  /** The proposal certainly never got into the log: it will be made again, unless the session is heard of first. */
  notProposed({ term, sessions }: ExpireSessions): void {
    if (term !== this.#term) return
    for (const id of sessions) {
      const lease = this.#leases.get(id)
      if (lease !== undefined && !this.#running.has(lease)) this.#running.push(lease)
    }
  }

  #stop(lease: Lease): void {
    if (this.#running.has(lease)) this.#running.remove(lease)
  }
}

export interface SessionTerms {
  readonly id: SessionId
  readonly ttlMs: number
}

interface Lease extends SessionTerms, HeapItem {
  until: Millis
}

function isEarlier(left: Lease, right: Lease): boolean {
  return left.until === right.until ? left.id < right.id : left.until < right.until
}
