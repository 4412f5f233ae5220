import type { LockstepError } from '#sdk/errors.ts'
import { checkList, checkObject, checkSignal, invalid } from '#sdk/options.ts'
import type { Admin, Peeked, PeekOptions, PurgeOptions, QueueStatus, RedriveOptions } from './admin.ts'
import { queueSdkLimits as limits } from './limits.ts'
import type { Message } from './message.ts'
import type { SendItem, SendOptions } from './options.ts'
import { messageOf } from './options.ts'
import type { Sending } from './producer-lane.ts'
import type { ReceiveOptions } from './receiver.ts'
import type { Sender } from './sender.ts'
import type { CreateOptions, QueueDefinition, QueueSettings } from './settings.ts'
import { settingsOf } from './settings.ts'
import type { Handler, Worker, WorkOptions } from './worker.ts'

/** A message that is in the queue, durably. */
export interface Sent {
  readonly id: string
  /** It was taken before under its `dedupeId`, and this is the id of that one. */
  readonly duplicate: boolean
}

/** What became of one message of a batch. */
export type SendResult = ({ readonly ok: true } & Sent) | { readonly ok: false; readonly error: LockstepError }

export interface QueuePorts<T> {
  readonly sender: () => Sender
  readonly admin: Admin
  readonly receive: (options: ReceiveOptions) => Promise<readonly Message<T>[]>
  readonly startWorker: (handler: Handler<T>, options: WorkOptions) => Worker<T>
  /** Its settings, or it itself, are not what they were. */
  readonly changed: () => void
}

/**
 * One queue of messages with payloads of type `T`, which nobody checks: it is what the program says. Whatever is refused rejects with a
 * `LockstepError`.
 */
export class Queue<T> {
  readonly name: string
  readonly #ports: QueuePorts<T>

  constructor(name: string, ports: QueuePorts<T>) {
    this.name = name
    this.#ports = ports
  }

  /**
   * Resolves when a majority has it on disk; a queue that is not there is created. Messages are taken in the order of the calls. After
   * `unknown` the message may be in the queue, or come yet.
   *
   *     await orders.send({ id: 1 }, { key: 'customer-7' })
   */
  async send(payload: T, options: SendOptions & { readonly signal?: AbortSignal | undefined } = {}): Promise<Sent> {
    checkObject('options', options)
    checkSignal(options.signal)
    const sending = await this.#ports.sender().send(messageOf(payload, options), options.signal)
    if (sending.type === 'failed') throw sending.error
    return { id: sending.id, duplicate: sending.duplicate }
  }

  /** Many at once, each with a result of its own, in order. Rejects only for what is wrong with the call. */
  async sendBatch(items: readonly SendItem<T>[]): Promise<readonly SendResult[]> {
    checkList('items', items)
    if (items.length > limits.unsentMax) throw invalid('items', `at most ${limits.unsentMax}`)
    const messages = items.map(({ payload, ...options }) => messageOf(payload, options))
    const sender = this.#ports.sender()
    const sendings = await Promise.all(messages.map((message) => sender.send(message)))
    return sendings.map(resultOf)
  }

  /** What is there, or comes while it waits; none when nothing does. Each is to be settled before its lease is over. */
  receive(options: ReceiveOptions = {}): Promise<readonly Message<T>[]> {
    return this.#ports.receive(options)
  }

  /**
   * Handles messages as they come: each is acked when the handler returns, given back when it throws, and kept meanwhile.
   *
   *     await using worker = orders.work(async (message, { signal }) => ship(message.payload, signal), { concurrency: 16 })
   */
  work(handler: Handler<T>, options: WorkOptions = {}): Worker<T> {
    return this.#ports.startWorker(handler, options)
  }

  /** Creates it, or changes what is named of it. */
  async create(options: CreateOptions = {}): Promise<QueueDefinition> {
    const definition = await this.#ports.admin.put(this.name, options)
    this.#ports.changed()
    return definition
  }

  async settings(): Promise<QueueSettings> {
    return settingsOf((await this.status()).settings)
  }

  /** Nothing is delivered until `resume()`; messages are taken. */
  async pause(): Promise<void> {
    await this.#mustExist({ paused: true })
  }

  async resume(): Promise<void> {
    await this.#mustExist({ paused: false })
  }

  /** How it fares: counts, rates, consumers, partitions. */
  status(): Promise<QueueStatus> {
    return this.#ports.admin.status(this.name)
  }

  /** Drops its messages; how many. After `unknown`, new ones may have come before it is called again. */
  purge(options: PurgeOptions = {}): Promise<number> {
    return this.#ports.admin.purge(this.name, options)
  }

  /** Messages without receiving them. */
  peek(options: PeekOptions = {}): Promise<Peeked<T>> {
    return this.#ports.admin.peek<T>(this.name, options)
  }

  /** Gives dead letters another chance. */
  redrive(options: RedriveOptions = {}): Promise<{ readonly moved: number; readonly done: boolean }> {
    return this.#ports.admin.redrive(this.name, options)
  }

  /** Stops a redrive; how many it has moved. */
  cancelRedrive(): Promise<number> {
    return this.#ports.admin.cancelRedrive(this.name)
  }

  /** With all its messages. */
  async delete(): Promise<void> {
    await this.#ports.admin.delete(this.name)
    this.#ports.changed()
  }

  /** Only changes it: a queue that is not there is not made by the way. */
  async #mustExist(change: CreateOptions): Promise<void> {
    const { revision } = await this.status()
    await this.create({ ...change, ifRevision: revision })
  }
}

const resultOf = (sending: Sending): SendResult =>
  sending.type === 'failed' ? { ok: false, error: sending.error } : { ok: true, id: sending.id, duplicate: sending.duplicate }
