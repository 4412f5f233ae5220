import { millis } from '#base/brand.ts'
import type { Millis } from '#base/brand.ts'
import { OpenNumbers } from '#base/open-numbers.ts'
import type { Attempt, ClientId, Identity, OwnerRef, SessionId } from '#core/lock/types.ts'
import { LockstepError } from './errors.ts'
import { sdkLimits } from './limits.ts'
import type { LeaseClock } from './ports.ts'

/** What ends with a session: locks, and requests that are under way. */
export interface Dependent {
  over(error: LockstepError): void
}

/** A command's place in its session. */
export interface Ticket {
  readonly attempt: Attempt
  readonly identity: Identity
}

/**
 * One session at the service, under which one owner holds its locks, and how long this client may trust it.
 *
 * Decisions L1, L9: the leader counts a lease from when it got the keep-alive, this client from when it asked, less what clocks may differ by.
 * So the client's end comes first, however long the answer took. Nothing prolongs trust but an answer to a request that was sent while
 * the session was trusted; once it is over it stays over.
 */
export class Session {
  readonly id: SessionId
  readonly client: ClientId
  readonly owner: OwnerRef
  readonly #clock: LeaseClock
  readonly #numbers = new OpenNumbers()
  readonly #dependents = new Set<Dependent>()
  #opened = false
  #error: LockstepError | null = null
  #ttlMs: number
  readonly #askedAt: Millis
  #trustedUntil: Millis

  constructor(id: SessionId, client: ClientId, options: { readonly ttlMs: number; readonly clock: LeaseClock }) {
    this.id = id
    this.client = client
    this.owner = { client, session: id }
    this.#ttlMs = options.ttlMs
    this.#clock = options.clock
    this.#askedAt = options.clock.now()
    this.#trustedUntil = this.#leaseFrom(this.#askedAt)
  }

  /** Its opening is under way. */
  get isOpening(): boolean {
    return !this.#opened && this.#error === null
  }
  get isOpen(): boolean {
    return this.#opened && this.#error === null
  }
  /** Why it is over; null while it is not. Looks at the clock. */
  get error(): LockstepError | null {
    if (this.#error === null && this.#clock.now() >= this.#trustedUntil) {
      this.end(new LockstepError('lease_expired', 'the lease could not be renewed in time: whatever was held may be held by others now'))
    }
    return this.#error
  }
  get trustedUntil(): Millis {
    return this.#trustedUntil
  }
  get isIdle(): boolean {
    return this.#dependents.size === 0
  }

  begin(): Ticket {
    const sequence = this.#numbers.begin()
    const attempt = { session: this.id, sequence }
    return { attempt, identity: { ...attempt, confirmed: this.#numbers.confirmed } }
  }

  /** Its answer was seen, and nothing will be asked about it any more. */
  confirm({ attempt }: Ticket): void {
    this.#numbers.end(attempt.sequence)
  }

  /** The service may give it longer than was asked for (decision L9). */
  opened(ttlMs: number): void {
    this.#opened = true
    this.#ttlMs = ttlMs
    this.renewedFrom(this.#askedAt)
  }

  /** A keep-alive that was sent at that moment has been answered. */
  renewedFrom(sentAt: Millis): void {
    if (this.error === null) this.#trustedUntil = millis(Math.max(this.#trustedUntil, this.#leaseFrom(sentAt)))
  }

  add(dependent: Dependent): void {
    this.#dependents.add(dependent)
  }

  remove(dependent: Dependent): void {
    this.#dependents.delete(dependent)
  }

  dependents(): readonly Dependent[] {
    return [...this.#dependents]
  }

  end(error: LockstepError): void {
    if (this.#error !== null) return
    this.#error = error
    const dependents = this.dependents()
    this.#dependents.clear()
    for (const dependent of dependents) dependent.over(error)
  }

  #leaseFrom(sentAt: Millis): Millis {
    return millis(sentAt + this.#ttlMs * (1 - sdkLimits.driftShare) - sdkLimits.leaseMarginMs)
  }
}
