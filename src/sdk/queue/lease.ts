import { millis } from '#base/brand.ts'
import type { Millis } from '#base/brand.ts'
import type { Clock } from '#ports/clock.ts'
import { Deadlines } from '#runtime/deadlines.ts'
import { LockstepError } from '#sdk/errors.ts'
import { sdkLimits } from '#sdk/limits.ts'
import type { LeaseClock } from '#sdk/ports.ts'

/**
 * How long this client may believe that nobody else has a message. The service counts a lease from when it gave it, this client from when it
 * asked, less what clocks may differ by: so the client's end comes first, however long the answer took. Once over it stays over.
 */
export class Lease {
  readonly #clock: LeaseClock
  #trustedUntil: Millis
  #controller: AbortController | null = null
  #error: LockstepError | null = null
  #isOver = false
  /** Extensions that were asked for and whose fate is not known. */
  readonly #open = new Set<LeaseTerms>()
  /** When the newest of those was sent that were answered. */
  #answeredSentAt = Number.NEGATIVE_INFINITY

  constructor(clock: LeaseClock, { sentAt, visibilityMs }: LeaseTerms) {
    this.#clock = clock
    this.#trustedUntil = endOf({ sentAt, visibilityMs })
  }

  get trustedUntil(): Millis {
    return this.#trustedUntil
  }

  /** Why it was lost; null while it was not. Looks at the clock: a process that was paused finds out here, before any timer fires. */
  get error(): LockstepError | null {
    if (!this.#isOver && this.#error === null && this.#clock.now() >= this.#trustedUntil) {
      this.lose(new LockstepError('lease_expired', 'the message was not extended in time: somebody else may have it'))
    }
    return this.#error
  }
  get isHeld(): boolean {
    return this.error === null && !this.#isOver
  }

  /** Made when somebody asks for it: most messages are settled before anybody does. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      if (this.#error !== null) this.#controller.abort(this.#error)
    }
    // Looks at the clock, and aborts it.
    void this.error
    return this.#controller.signal
  }

  /** To be called before it is sent: from then on the service may count by these terms, and they may be shorter. */
  extending(terms: LeaseTerms): void {
    if (!this.isHeld) return
    this.#open.add(terms)
    this.#trustedUntil = earlier(this.#trustedUntil, endOf(terms))
  }

  /**
   * The service has counted by these terms. Others that are open may be carried out after them, and no earlier than they: then the time of those
   * counts, from when these were sent. One that was sent before others that were answered says nothing new.
   */
  extended(terms: LeaseTerms): void {
    this.#open.delete(terms)
    if (!this.isHeld || terms.sentAt <= this.#answeredSentAt) return
    this.#answeredSentAt = terms.sentAt
    let until = endOf(terms)
    for (const { sentAt, visibilityMs } of this.#open) {
      until = earlier(until, endOf({ sentAt: millis(Math.max(sentAt, terms.sentAt)), visibilityMs }))
    }
    this.#trustedUntil = until
  }

  /** Settled: nothing is lost any more. */
  end(): void {
    this.#isOver = true
  }

  lose(error: LockstepError): void {
    if (this.#isOver || this.#error !== null) return
    this.#error = error
    this.#controller?.abort(error)
  }
}

export interface LeaseTerms {
  readonly sentAt: Millis
  readonly visibilityMs: number
}

const endOf = ({ sentAt, visibilityMs }: LeaseTerms): Millis =>
  millis(sentAt + visibilityMs * (1 - sdkLimits.driftShare) - sdkLimits.leaseMarginMs)

const earlier = (one: Millis, other: Millis): Millis => millis(Math.min(one, other))

interface Watched {
  readonly lease: Lease
  readonly deadline: Millis
}

/** Calls the signals of leases that end, with one timer for all. */
export class LeaseWatch {
  readonly #clock: Clock
  readonly #leaseClock: LeaseClock
  readonly #watched = new Map<Lease, Watched>()
  readonly #deadlines: Deadlines<Watched>

  constructor({ clock, leaseClock }: { readonly clock: Clock; readonly leaseClock: LeaseClock }) {
    this.#clock = clock
    this.#leaseClock = leaseClock
    this.#deadlines = new Deadlines({ clock, post: (task) => task() }, ({ lease }) => this.#look(lease))
  }

  add(lease: Lease): void {
    const deadline = millis(this.#clock.now() + Math.max(0, lease.trustedUntil - this.#leaseClock.now()))
    const watched = { lease, deadline }
    this.#watched.set(lease, watched)
    this.#deadlines.add(watched)
  }

  /** It ends at another time than before. */
  moved(lease: Lease): void {
    if (!this.#watched.has(lease)) return
    this.delete(lease)
    this.add(lease)
  }

  delete(lease: Lease): void {
    const watched = this.#watched.get(lease)
    this.#watched.delete(lease)
    if (watched !== undefined) this.#deadlines.delete(watched)
  }

  /** All are lost. */
  close(error: LockstepError): void {
    this.#deadlines.drain()
    for (const lease of this.#watched.keys()) lease.lose(error)
    this.#watched.clear()
  }

  /** It may have been prolonged meanwhile. */
  #look(lease: Lease): void {
    this.#watched.delete(lease)
    if (lease.isHeld) this.add(lease)
  }
}
