import { present } from '#base/assert.ts'
import { Deque } from '#base/deque.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { Clock } from '#ports/clock.ts'
import type { LockstepErrorCode } from '#sdk/errors.ts'
import { LockstepError } from '#sdk/errors.ts'
import type { ProducedItem, SentMessage } from '#wire/queue-client-message.ts'
import type { OpenCall, Outcome, QueueCalls } from './calls.ts'
import { queueSdkLimits as limits } from './limits.ts'

/** What became of one message. */
export type Sending =
  | { readonly type: 'sent'; readonly id: string; readonly duplicate: boolean }
  | { readonly type: 'failed'; readonly error: LockstepError }

/** One message on its way. `settled` once its sender was told. */
export interface Parcel {
  readonly message: SentMessage
  readonly deadline: Millis
  state: 'waiting' | 'batched' | 'settled'
  /** Of its batch. */
  call: OpenCall | null
  readonly settle: (sending: Sending) => void
}

interface LanePorts {
  readonly calls: QueueCalls
  readonly clock: Clock
  readonly newProducer: () => string
  /** The queue has other partitions by now, so the lane is to be retired. */
  readonly astray: () => void
  /** The last batch of a retired lane has ended; those of it that were certainly not taken go elsewhere. */
  readonly retired: (parcels: readonly Parcel[]) => void
}

interface LaneOptions {
  readonly queue: string
  readonly partition: number
  readonly slot: number
}

/**
 * The messages of this client for one partition of a queue, in the order in which they were sent. What is sent in one turn goes together. One batch
 * is under way at a time, and what comes meanwhile is the next one: so nothing waits while there is nothing to wait for, and much goes together when there is much.
 *
 * Decision Q6: batches are numbered under the name of a producer, so the same batch is made again under its number until somebody says what
 * became of it, and is taken once. A name whose last batch ended in doubt is never used again: what comes after it begins anew.
 */
export class ProducerLane {
  readonly #ports: LanePorts
  readonly #options: LaneOptions
  readonly #waiting = new Deque<Parcel>()
  #underWay: readonly Parcel[] | null = null
  #producer: string
  #sequence = 1
  #usedAt: Millis
  #isRetired = false

  constructor(ports: LanePorts, options: LaneOptions) {
    this.#ports = ports
    this.#options = options
    this.#producer = ports.newProducer()
    this.#usedAt = ports.clock.now()
  }

  get isUnderWay(): boolean {
    return this.#underWay !== null
  }

  /** Sends nothing more: gives what waits, in order. When a batch is under way, `retired` is told of its end. */
  retire(): readonly Parcel[] {
    this.#isRetired = true
    const parcels: Parcel[] = []
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      if (next.state === 'waiting') parcels.push(next)
    return parcels
  }

  push(parcel: Parcel): void {
    this.#waiting.push(parcel)
    if (this.#underWay !== null || this.#waiting.length > 1) return
    this.#ports.clock.soon(() => this.#pump())
  }

  #pump(): void {
    if (this.#underWay !== null || this.#isRetired) return
    const batch = this.#take()
    if (batch.length === 0) return
    const { calls, clock } = this.#ports
    const now = clock.now()
    if (now - this.#usedAt > limits.producerIdleMs) this.#beginAnew()
    this.#usedAt = now
    this.#underWay = batch
    const { queue, partition, slot } = this.#options
    const producer = { id: this.#producer, partition, sequence: this.#sequence }
    let sent = batch
    const begun = calls.begin({
      message: (call, doubtful) => {
        // Those that were given up meanwhile were told that they are not sent.
        if (!doubtful) sent = batch.filter(({ state }) => state === 'batched')
        return sent.length === 0 ? null : { type: 'produce', call, queue, producer, messages: sent.map(({ message }) => message) }
      },
      slot,
      // Those whose time is over earlier are told so by themselves.
      deadline: millis(batch.reduce((latest, { deadline }) => Math.max(latest, deadline), 0)),
      repeatable: true,
      keeps: false,
      done: (outcome) => this.#done(sent, outcome),
    })
    for (const parcel of batch) parcel.call = begun
  }

  #take(): readonly Parcel[] {
    const batch: Parcel[] = []
    let bytes = 0
    while (batch.length < limits.batchMax) {
      const next = this.#waiting.at(0)
      if (next === undefined) break
      if (next.state === 'waiting') {
        bytes += sizeOf(next.message)
        if (batch.length > 0 && bytes > limits.batchBytes) break
        next.state = 'batched'
        batch.push(next)
      }
      this.#waiting.shift()
    }
    return batch
  }

  #done(batch: readonly Parcel[], outcome: Outcome): void {
    const wasRetired = this.#isRetired
    this.#underWay = null
    this.#usedAt = this.#ports.clock.now()
    if (outcome.type === 'failed') this.#failed(batch, outcome.error, outcome.doubtful || !notTaken.has(outcome.error.code))
    else if (outcome.answer.type === 'produced' && outcome.answer.results.length === batch.length) {
      this.#produced(batch, outcome.answer.results)
    } else this.#failed(batch, new LockstepError('internal', `the service answered ${outcome.answer.type}, which does not fit`), true)
    if (wasRetired) this.#ports.retired(this.retire())
    else this.#pump()
  }

  #produced(batch: readonly Parcel[], results: readonly ProducedItem[]): void {
    this.#sequence++
    const again: Parcel[] = []
    for (const [at, parcel] of batch.entries()) {
      const result = present(results[at], 'there are as many results as messages')
      if (result.type === 'enqueued') this.#settle(parcel, { type: 'sent', id: result.id, duplicate: result.duplicate })
      else if (result.code === 'overloaded' && parcel.state === 'batched') again.push(parcel)
      else this.#settle(parcel, failedWith(result.code as LockstepErrorCode, result.message))
    }
    this.#putBack(again)
  }

  #failed(batch: readonly Parcel[], error: LockstepError, doubtful: boolean): void {
    if (doubtful) {
      this.#beginAnew()
      return this.#settleAll(
        batch,
        new LockstepError('unknown', `the message may be in the queue or not: ${error.message}`, { cause: error, retryable: false }),
      )
    }
    switch (error.code) {
      case 'wrong_partition':
        this.#putBack(batch)
        return this.#isRetired ? undefined : this.#ports.astray()
      case 'unknown_producer':
      case 'out_of_sequence':
        // The queue was made again, or nobody here was heard of for long: certainly not taken.
        this.#beginAnew()
        return this.#putBack(batch)
      default:
        return this.#settleAll(batch, error)
    }
  }

  /** In front of what came later. */
  #putBack(parcels: readonly Parcel[]): void {
    for (const parcel of parcels.toReversed()) if (unsent(parcel)) this.#waiting.unshift(parcel)
  }

  #beginAnew(): void {
    this.#producer = this.#ports.newProducer()
    this.#sequence = 1
  }

  #settleAll(batch: readonly Parcel[], error: LockstepError): void {
    for (const parcel of batch) this.#settle(parcel, { type: 'failed', error })
  }

  #settle(parcel: Parcel, sending: Sending): void {
    if (parcel.state === 'settled') return
    parcel.state = 'settled'
    parcel.settle(sending)
  }
}

/**
 * With one of these a batch has certainly not been taken, and its number is free for the next. After any other the next batch under that number
 * might be taken for this one, and answered with the ids of this one.
 */
const notTaken: ReadonlySet<LockstepErrorCode> = new Set<LockstepErrorCode>([
  'timeout',
  'aborted',
  'closed',
  'no_leader',
  'unavailable',
  'overloaded',
  'rate_limited',
  'unauthorized',
  'forbidden',
  'stopping',
  'disk_full',
  'invalid_request',
  'wrong_partition',
  'queue_deleting',
  'too_many_queues',
  'too_many_partitions',
  'too_many_producers',
  'unknown_producer',
  'out_of_sequence',
])

/** It waits again, unless its sender was told something meanwhile. */
function unsent(parcel: Parcel): boolean {
  if (parcel.state === 'settled') return false
  parcel.state = 'waiting'
  parcel.call = null
  return true
}

export const sizeOf = ({ body, headers }: SentMessage): number =>
  headers.reduce((sum, { name, value }) => sum + name.length + value.length, body.length)

const failedWith = (code: LockstepErrorCode, message: string): Sending => ({ type: 'failed', error: new LockstepError(code, message) })
