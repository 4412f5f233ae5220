import { queueLimits } from '#core/queue/limits.ts'
import type { LeaseClock } from '#sdk/ports.ts'
import { LockstepError } from '#sdk/errors.ts'
import type { DeadLetterSource, DeliveredMessage } from '#wire/queue-client-message.ts'
import type { BackOff } from './back-off.ts'
import { backOffDelay } from './back-off.ts'
import type { Lease, LeaseWatch } from './lease.ts'
import { queueSdkLimits as limits } from './limits.ts'
import { checkInteger } from './options.ts'
import type { Settlement, Settler, Status } from './settler.ts'

export interface NackOptions {
  /** Delivers it again so much later, in milliseconds. Without it and `backOff`: as the queue retries. */
  readonly delayMs?: number | undefined
  /** Delivers it again after a time that grows with the number of its failures. */
  readonly backOff?: BackOff | undefined
}

export interface MessagePorts {
  readonly settler: Settler
  readonly leases: LeaseWatch
  readonly leaseClock: LeaseClock
  /** Told before a message is extended: its lease may be shorter from then on. */
  readonly extending: (visibilityMs: number) => void
  /** In [0, 1). */
  readonly chance: () => number
}

/** One delivery of a message. It belongs to this client until its lease is over, and is to be settled before. */
export class Message<T> {
  readonly id: string
  readonly queue: string
  readonly key: string | null
  readonly priority: number
  readonly headers: Readonly<Record<string, string>>
  /** How often it was delivered, this time included. */
  readonly deliveryCount: number
  readonly failedCount: number
  /** By the clock of the service. */
  readonly enqueuedAt: Date
  /** Where a dead letter comes from; null for any other. */
  readonly deadLetter: DeadLetterSource | null
  /** The JSON, byte for byte as it was sent. */
  readonly body: Uint8Array
  readonly #ports: MessagePorts
  readonly #lease: Lease
  readonly #receipt: string
  #visibilityMs: number
  #parsed: { readonly payload: T } | null = null
  #settled: 'acked' | 'returned' | null = null

  constructor(
    delivered: DeliveredMessage,
    delivery: { readonly queue: string; readonly lease: Lease; readonly visibilityMs: number },
    ports: MessagePorts,
  ) {
    this.id = delivered.id
    this.queue = delivery.queue
    this.key = delivered.key
    this.priority = delivered.priority
    this.headers = Object.fromEntries(delivered.headers.map(({ name, value }) => [name, value]))
    this.deliveryCount = delivered.deliveries
    this.failedCount = delivered.failures
    this.enqueuedAt = new Date(delivered.enqueuedAt)
    this.deadLetter = delivered.deadLetter
    this.body = delivered.body
    this.#ports = ports
    this.#lease = delivery.lease
    this.#receipt = receiptOf(delivered)
    this.#visibilityMs = delivery.visibilityMs
    ports.leases.add(delivery.lease)
  }

  /** What was sent. Throws `SyntaxError` for what is no JSON, which only another client can have sent. */
  get payload(): T {
    this.#parsed ??= { payload: JSON.parse(new TextDecoder().decode(this.body)) as T }
    return this.#parsed.payload
  }

  /** Aborts when the lease was lost, before anybody else can have the message. */
  get signal(): AbortSignal {
    return this.#lease.signal
  }

  /** Whether nobody else can have it now. */
  get isHeld(): boolean {
    return this.#lease.isHeld
  }

  /** For how long it was leased, or extended, last. */
  get visibilityTimeoutMs(): number {
    return this.#visibilityMs
  }

  /** Whether it was acked or given back. */
  get isSettled(): boolean {
    return this.#settled !== null
  }

  /** Done: it is never delivered again. Rejects with `stale_receipt` when somebody else has it by now. */
  async ack(): Promise<void> {
    await this.#settle('acked', { type: 'ack' })
  }

  /** Failed: it counts, and comes again later; what failed too often is dead. */
  async nack({ delayMs, backOff }: NackOptions = {}): Promise<void> {
    if (delayMs !== undefined) checkInteger('delayMs', delayMs, 0, queueLimits.durationMsMax)
    const delay = delayMs ?? (backOff === undefined ? null : backOffDelay(backOff, this.failedCount, this.#ports.chance()))
    await this.#settle('returned', { type: 'nack', kind: 'fail', delayMs: delay })
  }

  /** Given back without penalty. */
  async release({ delayMs = 0 }: { readonly delayMs?: number } = {}): Promise<void> {
    checkInteger('delayMs', delayMs, 0, queueLimits.durationMsMax)
    await this.#settle('returned', { type: 'nack', kind: 'release', delayMs })
  }

  /** Dead at once: it goes where the dead letters of the queue go. */
  async reject(): Promise<void> {
    await this.#settle('returned', { type: 'nack', kind: 'reject', delayMs: null })
  }

  /** Keeps it for so long from now on, in milliseconds; for as long as it was leased at first unless given. */
  async extend(visibilityTimeoutMs: number = this.#visibilityMs): Promise<void> {
    checkInteger('visibilityTimeoutMs', visibilityTimeoutMs, limits.visibilityMsMin, queueLimits.visibilityMsMax)
    if (this.#settled !== null) throw settledBefore(this.id)
    const { settler, leases, leaseClock, extending } = this.#ports
    const terms = { sentAt: leaseClock.now(), visibilityMs: visibilityTimeoutMs }
    this.#lease.extending(terms)
    leases.moved(this.#lease)
    extending(visibilityTimeoutMs)
    try {
      const status = await settler.settle(this.#receipt, { type: 'extend', visibilityMs: visibilityTimeoutMs })
      if (status !== 'extended') throw new LockstepError('stale_receipt', `${JSON.stringify(this.id)} was settled by somebody else`)
    } catch (error) {
      if (error instanceof LockstepError && isLoss.has(error.code)) this.#lease.lose(error)
      throw error
    }
    this.#visibilityMs = visibilityTimeoutMs
    this.#lease.extended(terms)
    leases.moved(this.#lease)
  }

  /** What is over at this client may still be ours at the service, which has the last word. */
  async #settle(how: 'acked' | 'returned', settlement: Settlement): Promise<Status> {
    if (this.#settled !== null) throw settledBefore(this.id)
    this.#settled = how
    const { settler, leases } = this.#ports
    try {
      const status = await settler.settle(this.#receipt, settlement)
      this.#lease.end()
      leases.delete(this.#lease)
      return status
    } catch (error) {
      if (error instanceof LockstepError && isLoss.has(error.code)) {
        this.#lease.lose(error)
        leases.delete(this.#lease)
      } else {
        // It may be tried again.
        this.#settled = null
      }
      throw error
    }
  }
}

const isLoss: ReadonlySet<string> = new Set(['stale_receipt', 'unknown_message'])

export const receiptOf = ({ id, deliveries }: Pick<DeliveredMessage, 'id' | 'deliveries'>): string => `${id}.${deliveries}`

const settledBefore = (id: string): LockstepError =>
  new LockstepError('stale_receipt', `${JSON.stringify(id)} was acked or given back before`)
