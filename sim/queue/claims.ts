import type { EnqueuedItem } from '#api/queues/produce.ts'
import type { Delivery } from '#api/queues/consume.ts'
import { Violation } from '#sim/checks/violation.ts'
import type { Ledger, QueueCounts } from './ledger.ts'
import { textOf } from './ledger.ts'
import type { LeaseRecord, MessageRecord } from './message-record.ts'

/** A message of a producer, over all its attempts to bring it. */
export interface Sent {
  readonly queue: string
  readonly body: Uint8Array
  /** Sent again it must not be there twice: it has a dedupe id, or belongs to a numbered batch. */
  readonly once: boolean
  /** Of the first attempt, in true time. */
  readonly firstSentAt: number
  /** What it was told to be called. */
  readonly ids: Set<string>
  /** It was told that it is not there, and never will be. */
  isRefused: boolean
}

/** Which message, by which delivery of it. */
export interface Held {
  readonly message_id: string
  readonly lease: number | null
}

/** What is said of a delivery. */
export type Handed = Pick<Delivery, 'message_id' | 'delivery_count' | 'failed_count' | 'message' | 'queue' | 'key' | 'priority'>

/** What the claims need of the log. */
type Logs = Pick<Ledger, 'message' | 'withBody' | 'forgotSince' | 'readyIn' | 'countsOf' | 'alive'>

/** How many messages of each kind a queue is told to have. */
export interface Counted extends QueueCounts {
  readonly queue: string
}

/** What clients were told, held against what the log says, in true time: everything that is said was so at some moment of the call. */
export class Claims {
  readonly totals = { toldEnqueued: 0, toldNotSent: 0, toldDelivered: 0, toldEmpty: 0, toldSettled: 0, toldStale: 0, toldUnknownMessage: 0 }
  readonly #ledger: Logs
  readonly #now: () => number
  readonly #later: (check: () => void) => void
  readonly #byBody = new Map<string, Sent>()

  /** `later`: when everybody who was served at the same time has what they asked for. */
  constructor(ledger: Logs, { now, later }: { readonly now: () => number; readonly later: (check: () => void) => void }) {
    this.#ledger = ledger
    this.#now = now
    this.#later = later
  }

  sends(queue: string, body: Uint8Array, once: boolean): Sent {
    const sent = { queue, body, once, firstSentAt: this.#now(), ids: new Set<string>(), isRefused: false }
    this.#byBody.set(textOf(body), sent)
    return sent
  }

  enqueued(sent: Sent, { message_id: id }: Pick<EnqueuedItem, 'message_id'>): void {
    this.totals.toldEnqueued++
    const record = this.#record(id, 'enqueued')
    if (textOf(record.message.body) !== textOf(sent.body)) throw new Violation(`${id} is told to be enqueued, and has another body`)
    if (record.queue !== sent.queue) throw new Violation(`${id} is told to be enqueued in ${sent.queue}, and is in ${record.queue}`)
    if (record.enqueuedAt < sent.firstSentAt) throw new Violation(`${id} is told to be enqueued for a message that was sent later`)
    const [other] = sent.ids
    if (sent.once && other !== undefined && other !== id && !this.#ledger.forgotSince(sent.queue, sent.firstSentAt))
      throw new Violation(`a message that was sent again is told to be ${id}, and was told to be ${other} (decision Q6)`)
    sent.ids.add(id)
  }

  notSent(sent: Sent): void {
    this.totals.toldNotSent++
    sent.isRefused = true
  }

  /** A producer that numbers its batches, and sends each until it is told what became of it, is refused (decision Q6). */
  sequenceRefused(queue: string, code: string, since: number): void {
    if (!this.#ledger.forgotSince(queue, since)) throw new Violation(`a batch of ${queue} in its turn is refused: ${code} (decision Q6)`)
  }

  delivered(consumer: string, { message_id: id, delivery_count: number, message, ...told }: Handed, sentAt: number): void {
    this.totals.toldDelivered++
    const record = this.#record(id, 'delivered')
    const lease = this.#lease(record, number)
    const what = `${id} is delivered to ${consumer} for the ${number}. time`
    if (lease.consumer !== consumer) throw new Violation(`${what}, and was leased to ${lease.consumer}`)
    if (lease.from < sentAt) throw new Violation(`${what}, and was leased at ${lease.from.toFixed(1)}, before it was asked for`)
    if (textOf(message) !== textOf(record.message.body)) throw new Violation(`${what} with other bytes: ${textOf(message)}`)
    const { key, priority } = record.message
    if (told.queue !== record.queue || (told.key ?? null) !== key || told.priority !== priority || told.failed_count !== lease.failed)
      throw new Violation(
        `${what} as ${JSON.stringify(told)}, and is ${JSON.stringify({ queue: record.queue, key, priority, failed: lease.failed })}`,
      )
    const { delay } = record.message
    const sent = this.#byBody.get(textOf(message))
    const waited = this.#now() - (sent?.firstSentAt ?? -Infinity)
    if (delay.type === 'after' && waited < delay.ms * trustedShare)
      throw new Violation(`${what} after ${waited.toFixed(1)} of ${delay.ms} ms`)
  }

  /** Nobody else is delivered it by then: what was said is that it is done, or given back by this very lease. */
  settled(held: Held, word: string, sentAt: number): void {
    this.totals.toldSettled++
    const record = this.#record(held.message_id, word)
    const what = `${held.message_id}.${held.lease} is told to be ${word}`
    if (word === 'acknowledged' && record.settled === null) throw new Violation(`${what}, and is not settled`)
    if (word === 'acknowledged' && held.lease === null) return
    const lease = this.#lease(record, held.lease ?? 1)
    if (record.leases.some(({ number, from }) => number > lease.number && from < sentAt))
      throw new Violation(`${what}, and there was a newer lease before`)
    if (word === 'acknowledged') return
    if (word === 'extended' && lease.until !== null && lease.until < sentAt) throw new Violation(`${what}, and that lease was over`)
    if (word !== 'extended' && (lease.until === null || lease.until < sentAt))
      throw new Violation(`${what}, and its lease has not ended by that`)
  }

  /**
   * By who asks again when an answer is lost: a message that is gone by then was given back by the first attempt, or was gone before it, and nobody can
   * tell which.
   */
  returnedOrGone(held: Held, sentAt: number): void {
    const { settled } = this.#record(held.message_id, 'returned')
    if (settled === null || settled.at >= sentAt) this.settled(held, 'returned', sentAt)
    else this.totals.toldSettled++
  }

  stale(held: Held, what: string): void {
    this.totals.toldStale++
    const record = this.#record(held.message_id, 'stale')
    const isNewest = record.leases.at(-1)?.number === (held.lease ?? 1)
    const isOver = isNewest && record.leases.at(-1)?.until !== null
    if (isNewest && (what === 'ack' || !isOver))
      throw new Violation(`${held.message_id}.${held.lease} is told to be stale for ${what}, and lasts`)
  }

  /** Only of what is over. */
  unknownMessage(id: string): void {
    this.totals.toldUnknownMessage++
    const record = this.#record(id, 'unknown')
    if (record.settled === null) throw new Violation(`${id} is told to be unknown, and is there`)
  }

  cancelled(id: string): void {
    if (this.#record(id, 'cancelled').settled?.how !== 'cancelled') throw new Violation(`${id} is told to be cancelled, and is not`)
  }

  /** While nothing was carried out, what people see is what the log says. */
  counted({ queue, ...view }: Counted): void {
    const expected = this.#ledger.countsOf(queue)
    for (const [name, count] of Object.entries(expected)) {
      const told = view[name as keyof typeof expected]
      if (told !== count) throw new Violation(`${queue} is told to have ${told} ${name}, and has ${count}`)
    }
  }

  /**
   * To who waited, or did not want to. Then there was a moment without anything in each partition, or somebody else was about to take it: that
   * is known a while later, if whoever led went on meanwhile.
   */
  empty(queue: string, sentAt: number): void {
    this.totals.toldEmpty++
    const toldAt = this.#now()
    const before = sentAt - staleMs
    const suspects = this.#ledger.readyIn(queue).filter(({ since }) => since < before)
    if (suspects.length === 0) return
    this.#later(() => {
      for (const partition of this.#ledger.readyIn(queue)) {
        const { since, takenAt, led } = partition
        if (suspects.includes(partition) && takenAt < before && led.from <= toldAt && toldAt < led.to)
          throw new Violation(
            `${queue} is told to be empty to who asked at ${sentAt.toFixed(1)}, and since ${since.toFixed(1)} it has messages that nobody takes`,
          )
      }
    })
  }

  /** What is looked at was there at some moment since it was asked for. */
  seen(id: string, message: Uint8Array, sentAt: number): void {
    const record = this.#record(id, 'there')
    if (textOf(message) !== textOf(record.message.body)) throw new Violation(`${id} is seen with other bytes`)
    if (record.end !== null && record.end.at < sentAt - staleMs) throw new Violation(`${id} is seen, and was ${record.end.how} before`)
  }

  /** At rest: everything was brought once that had to be, and is over. */
  judge(): void {
    for (const { once, body, queue, firstSentAt } of this.#byBody.values()) {
      const records = this.#ledger.withBody(body)
      if (once && records.length > 1 && !this.#ledger.forgotSince(queue, firstSentAt))
        throw new Violation(`a message is there ${records.length} times: ${records.map(({ text }) => text).join(', ')} (decision Q6)`)
    }
    for (const { isRefused, body } of this.#byBody.values()) {
      const [record] = isRefused ? this.#ledger.withBody(body) : []
      if (record !== undefined) throw new Violation(`a message is told not to be sent, and is there as ${record.text}`)
    }
    for (const { ids } of this.#byBody.values()) {
      for (const id of ids)
        if (this.#record(id, 'over').end === null) throw new Violation(`${id} was acknowledged to its producer, and is left`)
    }
    const [left] = this.#ledger.alive
    if (left !== undefined) throw new Violation(`${this.#ledger.alive.length} messages are left, the first ${left.text} of ${left.queue}`)
  }

  #record(id: string, word: string): MessageRecord {
    const record = this.#ledger.message(id)
    if (record === undefined) throw new Violation(`${id} is told to be ${word}, and the log does not have it`)
    return record
  }

  #lease({ leases, text }: MessageRecord, number: number): LeaseRecord {
    const lease = leases.find((each) => each.number === number)
    if (lease === undefined) throw new Violation(`${text} was not leased for the ${number}. time`)
    return lease
  }
}

/** Clocks run apart by no more than a tenth. */
const trustedShare = 0.9
/** A leader that may answer has heard of everything that is so old: its lease is shorter. */
const staleMs = 500
