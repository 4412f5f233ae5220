import { millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import { partitionOf, slotOf } from '#core/ring/partition.ts'
import type { Entropy } from '#ports/entropy.ts'
import { Deadlines } from '#runtime/deadlines.ts'
import { LockstepError, abortedBy } from '#sdk/errors.ts'
import type { SentMessage } from '#wire/queue-client-message.ts'
import type { Asking } from './asking.ts'
import { queueSdkLimits as limits } from './limits.ts'
import type { Places } from './places.ts'
import { ProducerLane, sizeOf } from './producer-lane.ts'
import type { Parcel, Sending } from './producer-lane.ts'

export interface SenderPorts extends Asking {
  readonly prng: Prng
  readonly entropy: Entropy
  readonly places: Places
}

/** Sends the messages of one client to one queue: each to its partition, in the order of the calls. */
export class Sender {
  readonly #queue: string
  readonly #ports: SenderPorts
  readonly #lanes = new Map<number, ProducerLane>()
  /** Retired ones with a batch under way. Nothing is placed until it has ended: it may come back, and was sent before all others. */
  readonly #retired = new Set<ProducerLane>()
  readonly #deadlines: Deadlines<Parcel>
  /** Those that came while it was not known how the queue is spread. */
  #unplaced: Parcel[] = []
  #locating = false
  /** As the lanes were made for; null before any was. */
  #partitions: number | null = null
  #unsentBytes = 0
  #closed: LockstepError | null = null
  readonly #idle: (() => void)[] = []

  constructor(queue: string, ports: SenderPorts) {
    this.#queue = queue
    this.#ports = ports
    this.#deadlines = new Deadlines({ clock: ports.clock, post: (task) => task() }, (parcel) => this.#overdue(parcel))
  }

  /** Resolves when its fate is known, or its time is over; never rejects. */
  send(message: SentMessage, signal?: AbortSignal): Promise<Sending> {
    const bytes = sizeOf(message)
    if (this.#closed !== null) return Promise.resolve({ type: 'failed', error: this.#closed })
    if (signal?.aborted === true) return Promise.resolve({ type: 'failed', error: abortedBy(signal) })
    if (this.#deadlines.size >= limits.unsentMax || this.#unsentBytes + bytes > limits.unsentBytesMax) {
      const error = new LockstepError('overloaded', 'as many messages as may be wait to be sent: send less at a time')
      return Promise.resolve({ type: 'failed', error })
    }
    return new Promise((resolve) => {
      const { clock, timeoutMs } = this.#ports
      const onAbort = (): void => this.#giveUp(parcel, signal === undefined ? null : abortedBy(signal))
      const parcel: Parcel = {
        message,
        deadline: millis(clock.now() + timeoutMs),
        state: 'waiting',
        call: null,
        settle: (sending) => {
          signal?.removeEventListener('abort', onAbort)
          this.#deadlines.delete(parcel)
          this.#unsentBytes -= bytes
          resolve(sending)
          if (this.#deadlines.size === 0) for (const told of this.#idle.splice(0)) told()
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#unsentBytes += bytes
      this.#deadlines.add(parcel)
      this.#place([parcel])
    })
  }

  /** Nothing is on its way, so another one may take its place. */
  get isIdle(): boolean {
    return this.#deadlines.size === 0 && ![...this.#lanes.values(), ...this.#retired].some((lane) => lane.isUnderWay)
  }

  /** Resolves when nothing is waited for. */
  drained(): Promise<void> {
    return this.#deadlines.size === 0 ? Promise.resolve() : new Promise((resolve) => void this.#idle.push(resolve))
  }

  /** What is still on its way has failed, and what comes does; timers end. */
  close(error: LockstepError): void {
    this.#closed = error
    for (const parcel of this.#deadlines.drain()) this.#giveUp(parcel, error)
  }

  #overdue(parcel: Parcel): void {
    this.#giveUp(parcel, new LockstepError('timeout', 'the message was not sent in time'))
  }

  /** Once it was sent nobody can take it back. */
  #giveUp(parcel: Parcel, error: LockstepError | null): void {
    if (parcel.state === 'settled' || error === null) return
    const wasSent = parcel.call !== null && (parcel.call.doubtful || parcel.call.line !== null)
    parcel.state = 'settled'
    const unknown = (): LockstepError =>
      new LockstepError('unknown', 'no answer in time: the message may be in the queue or come yet', { cause: error, retryable: false })
    parcel.settle({ type: 'failed', error: wasSent && error.code !== 'aborted' ? unknown() : error })
  }

  #place(parcels: readonly Parcel[]): void {
    const place = this.#ports.places.known(this.#queue)
    if (place === null || this.#unplaced.length > 0 || this.#retired.size > 0) {
      this.#unplaced.push(...parcels)
      return this.#locate()
    }
    const wereOther = this.#partitions !== null && this.#partitions !== place.partitions
    this.#partitions = place.partitions
    if (wereOther && this.#lanes.size > 0) {
      this.#unplaced.push(...parcels)
      return this.#retireAll()
    }
    const anywhere = this.#ports.prng.between(0, place.partitions - 1)
    for (const parcel of parcels) {
      const { key, dedupeId } = parcel.message
      const by = key ?? dedupeId
      const partition = by === null ? anywhere : partitionOf(by, place.partitions)
      this.#laneOf(partition, slotOf(this.#queue, partition, place.slots)).push(parcel)
    }
  }

  /** Keys are spread anew: what waits behind a batch that comes back must not pass it on another lane. */
  #retireAll(): void {
    const lanes = [...this.#lanes.values()]
    this.#lanes.clear()
    this.#unplaced = [...lanes.flatMap((lane) => lane.retire()), ...this.#unplaced]
    for (const lane of lanes) if (lane.isUnderWay) this.#retired.add(lane)
    this.#locate()
  }

  #locate(): void {
    if (this.#locating) return
    this.#locating = true
    void this.#ports.places.find(this.#queue, { create: true }).then(
      () => this.#located(null),
      (error: unknown) =>
        this.#located(error instanceof LockstepError ? error : new LockstepError('internal', String(error), { cause: error })),
    )
  }

  #located(error: LockstepError | null): void {
    this.#locating = false
    if (this.#retired.size > 0) return
    const parcels = this.#unplaced.filter(({ state }) => state === 'waiting')
    this.#unplaced = []
    if (error === null) return this.#place(parcels)
    for (const parcel of parcels) this.#giveUp(parcel, error)
  }

  #laneOf(partition: number, slot: number): ProducerLane {
    const known = this.#lanes.get(partition)
    if (known !== undefined) return known
    const { calls, clock, entropy, places } = this.#ports
    const ports = {
      calls,
      clock,
      newProducer: () => entropy.hex(12),
      astray: () => {
        places.forget(this.#queue)
        this.#retireAll()
      },
      retired: (parcels: readonly Parcel[]) => {
        this.#retired.delete(lane)
        this.#unplaced = [...parcels, ...this.#unplaced]
        if (this.#retired.size === 0) this.#locate()
      },
    }
    const lane = new ProducerLane(ports, { queue: this.#queue, partition, slot })
    this.#lanes.set(partition, lane)
    return lane
  }
}
