import { assert } from '#base/assert.ts'
import type { Wait } from './records.ts'
import type { LockAnswer } from './types.ts'

/**
 * What became of a session's commands, kept for retries until the session says that it has seen it (decision L2). A request that waits
 * is remembered as its wait, and its answer when that ends, so a retry is told how things stand now.
 *
 * Other than the answers that are kept for nodes, these live and end with the session, whose keep-alives are not in the log.
 *
 * Invariant: no sequence is both pending and answered.
 */
export class Outcomes {
  readonly pending = new Map<number, Wait>()
  /** In the order in which they were given. */
  readonly #answers = new Map<number, LockAnswer>()
  #confirmed: number
  /** Up to here, whatever is not remembered is not carried out. */
  #floor: number

  constructor(confirmed = 0, floor = 0) {
    this.#confirmed = confirmed
    this.#floor = floor
  }

  get confirmed(): number {
    return this.#confirmed
  }
  get floor(): number {
    return this.#floor
  }
  get size(): number {
    return this.#answers.size
  }

  isAnswered(sequence: number): boolean {
    return this.#answers.has(sequence)
  }

  answers(): IterableIterator<[number, LockAnswer]> {
    return this.#answers.entries()
  }

  find(sequence: number): Outcome {
    const wait = this.pending.get(sequence)
    if (wait !== undefined) return { type: 'pending', wait }
    const answer = this.#answers.get(sequence)
    if (answer !== undefined) return { type: 'answered', answer }
    return sequence <= this.#floor ? { type: 'forgotten' } : { type: 'new' }
  }

  /** One that is confirmed already is not kept: nobody will ask about it. */
  record(sequence: number, answer: LockAnswer, keepMax: number): void {
    assert(!this.pending.has(sequence), 'a wait is answered when it has ended')
    if (sequence <= this.#confirmed) return
    this.#answers.set(sequence, answer)
    if (this.#answers.size <= keepMax) return
    for (const oldest of this.#answers.keys()) {
      this.#answers.delete(oldest)
      this.#floor = Math.max(this.#floor, oldest)
      return
    }
  }

  /** The session has ended; locks that it asked for may still refer to it. */
  clear(): void {
    this.pending.clear()
    this.#answers.clear()
  }

  confirm(confirmed: number): void {
    if (confirmed <= this.#confirmed) return
    if (confirmed - this.#confirmed < this.#answers.size) {
      for (let sequence = this.#confirmed + 1; sequence <= confirmed; sequence++) this.#answers.delete(sequence)
    } else {
      for (const sequence of this.#answers.keys()) if (sequence <= confirmed) this.#answers.delete(sequence)
    }
    this.#confirmed = confirmed
    this.#floor = Math.max(this.#floor, confirmed)
  }
}

export type Outcome =
  | { readonly type: 'new' }
  | { readonly type: 'pending'; readonly wait: Wait }
  | { readonly type: 'answered'; readonly answer: LockAnswer }
  | { readonly type: 'forgotten' }
