import { Violation } from '#sim/checks/violation.ts'

interface Belief {
  readonly id: string
  readonly consumer: string
  readonly lease: number
  until: number
}

/**
 * Who believes that a message is in its hands alone, in true time: from when it is told until its own careful deadline, or until it says
 * that it gives it up. Nobody else may be told to have it meanwhile, nor another message of its key.
 */
export class Beliefs {
  readonly totals = { beliefs: 0, extended: 0 }
  readonly #now: () => number
  readonly #keyOf: (id: string) => string | null
  readonly #byMessage = new Map<string, Belief>()
  /** The newest of each. */
  readonly #byKey = new Map<string, Belief>()

  /** `keyOf`: what a message shares with those of which only one may be in flight; null for one that has no key. */
  constructor(now: () => number, keyOf: (id: string) => string | null) {
    this.#now = now
    this.#keyOf = keyOf
  }

  told(consumer: string, { id, lease, until }: { readonly id: string; readonly lease: number; readonly until: number }): void {
    // An answer that took longer than its lease lets nobody believe anything.
    if (until <= this.#now()) return
    const other = this.#byMessage.get(id)
    if (other !== undefined && other.until > this.#now())
      throw new Violation(`${id} is delivered to ${consumer}, and ${other.consumer} believes to have it until ${other.until.toFixed(1)}`)
    this.totals.beliefs++
    const belief = { id, consumer, lease, until }
    this.#byMessage.set(id, belief)
    this.#checkKey(belief)
  }

  extended(consumer: string, { id, lease, until }: { readonly id: string; readonly lease: number; readonly until: number }): void {
    const own = this.#byMessage.get(id)
    if (own?.consumer !== consumer || own.lease !== lease) return
    this.totals.extended++
    own.until = Math.max(own.until, until)
  }

  /** It says so now, whenever it is heard. */
  leaves(consumer: string, id: string): void {
    if (this.#byMessage.get(id)?.consumer === consumer) this.#byMessage.delete(id)
  }

  /** It is dead. */
  forget(consumer: string): void {
    for (const [id, belief] of this.#byMessage) if (belief.consumer === consumer) this.#byMessage.delete(id)
  }

  #checkKey(belief: Belief): void {
    const key = this.#keyOf(belief.id)
    if (key === null) return
    const other = this.#byKey.get(key)
    if (other !== undefined && other.id !== belief.id && other.until > this.#now() && this.#byMessage.get(other.id) === other)
      throw new Violation(
        `${belief.id} is delivered to ${belief.consumer}, and ${other.consumer} believes to have ${other.id} of its key until ${other.until.toFixed(1)}`,
      )
    this.#byKey.set(key, belief)
  }
}
