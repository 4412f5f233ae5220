import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { ProducerId, ProducerRef } from './types.ts'

interface Producer {
  /** The last batch that was carried out. */
  last: number
  usedAt: Millis
  /** Encoded answers to the last few batches, the newest last. */
  readonly answers: Uint8Array[]
}

export interface ProducerTotals {
  producers: number
}

export type Admission =
  | { readonly type: 'new' }
  | { readonly type: 'repeated'; readonly answer: Uint8Array }
  | { readonly type: 'already-answered' }
  | { readonly type: 'gap'; readonly expected: number }
  /** It is not known (any more), and this is not its first batch. */
  | { readonly type: 'unknown' }

interface ProducerLimits {
  readonly answersKept: number
  readonly answerBytesKept: number
}

/** Which batches of which producers a partition has taken, so that each is taken once and in order (decision Q6). Least recently used first. */
export class Producers {
  readonly #totals: ProducerTotals
  readonly #byId = new Map<ProducerId, Producer>()

  constructor(totals: ProducerTotals) {
    this.#totals = totals
  }

  get size(): number {
    return this.#byId.size
  }

  knows(id: ProducerId): boolean {
    return this.#byId.has(id)
  }

  admit({ id, sequence }: ProducerRef): Admission {
    const producer = this.#byId.get(id)
    if (producer === undefined) return sequence === 1 ? { type: 'new' } : { type: 'unknown' }
    const expected = producer.last + 1
    if (sequence === expected) return { type: 'new' }
    if (sequence > expected) return { type: 'gap', expected }
    const answer = producer.answers.at(sequence - expected)
    return expected - sequence <= producer.answers.length && answer !== undefined
      ? { type: 'repeated', answer }
      : { type: 'already-answered' }
  }

  /** Of an admitted batch. */
  record(
    { id, sequence }: ProducerRef,
    answer: Uint8Array,
    { now, limits }: { readonly now: Millis; readonly limits: ProducerLimits },
  ): void {
    const producer = this.#byId.get(id) ?? this.#create()
    producer.last = sequence
    producer.answers.push(answer)
    let bytes = producer.answers.reduce((sum, { length }) => sum + length, 0)
    while (producer.answers.length > limits.answersKept || (bytes > limits.answerBytesKept && producer.answers.length > 1)) {
      bytes -= producer.answers.shift()?.length ?? 0
    }
    producer.usedAt = now
    this.#byId.delete(id)
    this.#byId.set(id, producer)
  }

  /** Asking again is use, too. */
  touch(id: ProducerId, now: Millis): void {
    const producer = this.#byId.get(id)
    if (producer === undefined) return
    producer.usedAt = now
    this.#byId.delete(id)
    this.#byId.set(id, producer)
  }

  forget(idleSince: number): void {
    for (const [id, { usedAt }] of this.#byId) {
      if (usedAt > idleSince) return
      this.#byId.delete(id)
      this.#totals.producers--
    }
  }

  clear(): void {
    this.#totals.producers -= this.#byId.size
    this.#byId.clear()
  }

  entries(): IterableIterator<[ProducerId, Producer]> {
    return this.#byId.entries()
  }

  /** As it was in another replica. */
  restore(id: ProducerId, { last, usedAt, answers }: Producer): void {
    this.#byId.set(id, { last, usedAt, answers: [...answers] })
    this.#totals.producers++
  }

  #create(): Producer {
    this.#totals.producers++
    return { last: 0, usedAt: millis(0), answers: [] }
  }
}
