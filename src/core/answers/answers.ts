import { assert } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'

/**
 * Answers kept for retries (dissertation 6.3): part of the replicated state, so that a command which is proposed again after an unknown
 * outcome is answered and not carried out a second time, whichever node carries it and whoever leads by then.
 *
 * A command is identified by (origin, sequence). An origin is opened by a logged command and numbered by that command's log index, so a
 * number is never used twice; a retry under an origin that is not known (any more) is refused, never carried out (decisions L2, C6).
 * An answer is kept until the origin says that it has seen it. Idle origins end by machine time, which is the same on every replica.
 */
export class AnswerTable {
  readonly #limits: AnswerLimits
  /** Least recently used first: a `Map` keeps the order of insertion, and use inserts anew. */
  readonly #origins = new Map<number, Origin>()

  constructor(limits: AnswerLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#origins.size
  }

  open(origin: number, time: Millis): void {
    assert(!this.#origins.has(origin), 'an origin is opened once')
    this.#origins.set(origin, { usedAt: time, confirmed: 0, answers: new Map() })
    if (this.#origins.size > this.#limits.originsMax) this.#endOldest()
  }

  /** Whether to carry out a command, and if not, what to answer. */
  admit(command: Identity, time: Millis): Admission {
    const origin = this.#origins.get(command.origin)
    if (origin === undefined) return { type: 'lost' }
    origin.usedAt = time
    this.#origins.delete(command.origin)
    this.#origins.set(command.origin, origin)
    this.#confirm(origin, command.confirmed)
    if (command.sequence <= origin.confirmed) return { type: 'lost' }
    const answer = origin.answers.get(command.sequence)
    return answer === undefined ? { type: 'new' } : { type: 'repeated', answer }
  }

  record(command: Identity, answer: Uint8Array): void {
    const origin = this.#origins.get(command.origin)
    assert(origin !== undefined && !origin.answers.has(command.sequence), 'a command is answered once, right after its admission')
    origin.answers.set(command.sequence, answer)
    if (origin.answers.size > this.#limits.answersPerOriginMax) this.#confirm(origin, longestKept(origin))
  }

  /** Ends origins that were idle for too long. */
  expire(time: Millis): void {
    for (const [id, origin] of this.#origins) {
      if (time - origin.usedAt <= this.#limits.idleMs) return
      this.#origins.delete(id)
    }
  }

  /** In order of last use, one by one: the whole may be too much for one turn. */
  *snapshot(): IterableIterator<OriginSnapshot> {
    for (const [origin, { usedAt, confirmed, answers }] of this.#origins) yield { origin, usedAt, confirmed, answers: [...answers] }
  }

  restore(snapshot: Iterable<OriginSnapshot>): void {
    this.#origins.clear()
    for (const { origin, usedAt, confirmed, answers } of snapshot) {
      this.#origins.set(origin, { usedAt: usedAt as Millis, confirmed, answers: new Map(answers) })
    }
  }

  #confirm(origin: Origin, confirmed: number): void {
    if (confirmed <= origin.confirmed) return
    const { answers } = origin
    if (confirmed - origin.confirmed < answers.size) {
      for (let sequence = origin.confirmed + 1; sequence <= confirmed; sequence++) answers.delete(sequence)
    } else {
      for (const sequence of answers.keys()) if (sequence <= confirmed) answers.delete(sequence)
    }
    origin.confirmed = confirmed
  }

  #endOldest(): void {
    for (const id of this.#origins.keys()) {
      this.#origins.delete(id)
      return
    }
  }
}

export interface Identity {
  readonly origin: number
  /** From 1, each used for one command. */
  readonly sequence: number
  /** The origin has seen the answers of all its commands up to here. */
  readonly confirmed: number
}

export interface AnswerLimits {
  readonly originsMax: number
  readonly answersPerOriginMax: number
  /** In machine time. */
  readonly idleMs: number
}

export type Admission = { readonly type: 'new' } | { readonly type: 'repeated'; readonly answer: Uint8Array } | { readonly type: 'lost' }

export interface OriginSnapshot {
  readonly origin: number
  readonly usedAt: number
  readonly confirmed: number
  /** In the order in which they were given. */
  readonly answers: readonly (readonly [sequence: number, answer: Uint8Array])[]
}

interface Origin {
  usedAt: Millis
  confirmed: number
  readonly answers: Map<number, Uint8Array>
}

/** The sequence that was answered first of all that are kept. */
function longestKept({ answers }: Origin): number {
  for (const sequence of answers.keys()) return sequence
  return 0
}
