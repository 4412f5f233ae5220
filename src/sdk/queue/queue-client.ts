import { RecentMap } from '#base/recent-map.ts'
import { Connecting } from '#sdk/connecting.ts'
import { LockstepError } from '#sdk/errors.ts'
import { sdkLimits } from '#sdk/limits.ts'
import type { QueueServerMessage } from '#wire/queue-client-message.ts'
import { Admin } from './admin.ts'
import type { QueueList } from './admin.ts'
import type { Asking } from './asking.ts'
import type { Answer } from './calls.ts'
import { QueueCalls } from './calls.ts'
import { LeaseWatch } from './lease.ts'
import { QueueLinks } from './links.ts'
import { queueSdkLimits as limits } from './limits.ts'
import type { Message } from './message.ts'
import { checkQueueName } from './options.ts'
import { Places } from './places.ts'
import type { QueueSdkPorts } from './ports.ts'
import { Queue } from './queue.ts'
import type { ReceiveOptions, ReceiverPorts } from './receiver.ts'
import { giveBack, receive } from './receiver.ts'
import { Sender } from './sender.ts'
import { Settler } from './settler.ts'
import type { Handler, WorkOptions } from './worker.ts'
import { Worker } from './worker.ts'

export interface QueueClientOptions {
  readonly urls: readonly string[]
  /** Who consumes, unless a call says otherwise. */
  readonly client: string
  readonly timeoutMs: number
  /** Name and version, for people. */
  readonly software: string
}

/** A client of the queues: one connection to any node, and more to those that lead what it uses. */
export class QueueClient implements AsyncDisposable {
  readonly #ports: QueueSdkPorts
  readonly #client: string
  readonly #asking: Asking
  readonly #calls: QueueCalls
  readonly #links: QueueLinks
  readonly #places: Places
  readonly #settler: Settler
  readonly #leases: LeaseWatch
  readonly #admin: Admin
  readonly #senders = new RecentMap<string, Sender>(limits.queuesMax, ({ isIdle }) => isIdle)
  readonly #workers = new Set<Worker<never>>()
  #closing: Promise<void> | null = null
  #closed: LockstepError | null = null

  private constructor(ports: QueueSdkPorts, options: QueueClientOptions, connected: Connecting<QueueClient>) {
    const { clock } = ports
    this.#ports = ports
    this.#client = options.client
    this.#calls = new QueueCalls({
      ...ports,
      lineFor: (slot) => this.#links.lineFor(slot),
      unanswered: (line) => this.#links.unanswered(line),
      stray: (answer) => this.#stray(answer),
    })
    this.#asking = { calls: this.#calls, clock, timeoutMs: options.timeoutMs }
    this.#places = new Places(this.#asking)
    this.#settler = new Settler(this.#asking)
    this.#leases = new LeaseWatch(ports)
    this.#admin = new Admin(this.#asking)
    this.#links = new QueueLinks(ports, connected.endpoints, {
      software: options.software,
      events: {
        up: () => {
          this.#calls.lineUp()
          connected.up(this)
        },
        down: (line) => this.#calls.lineDown(line),
        message: (line, message: QueueServerMessage) => this.#calls.received(line, message),
        moved: (slot) => this.#calls.moved(slot),
        failed: (attempt) => connected.failed(attempt),
      },
    })
  }

  /** Resolves when a node has answered; rejects with `connection_failed` when none of them does. */
  static async connect(ports: QueueSdkPorts, options: QueueClientOptions): Promise<QueueClient> {
    const connecting = new Connecting<QueueClient>(options.urls, 'queue')
    const client = new QueueClient(ports, options, connecting)
    const cancel = ports.clock.after(options.timeoutMs, () => connecting.outOfTime(options.timeoutMs))
    client.#links.start()
    try {
      return await connecting.done
    } catch (error) {
      client.#links.stop()
      throw error
    } finally {
      cancel()
    }
  }

  /** The node that carries whatever is sent; null while there is none. */
  get node(): string | null {
    return this.#links.node
  }

  queue<T>(name: string): Queue<T> {
    this.#mustBeOpen()
    checkQueueName(name)
    return new Queue<T>(name, {
      sender: () => this.#senderOf(name),
      admin: this.#admin,
      receive: (options) => this.#receive<T>(name, options),
      startWorker: (handler, options) => this.#startWorker(name, handler, options),
      changed: () => this.#places.forget(name),
    })
  }

  /** All queues whose name begins so, by name. */
  queues({ prefix = '', after = null, limit = 100 }: QueuesOptions = {}): Promise<QueueList> {
    return this.#admin.queues({ prefix, after, limit })
  }

  /** Workers take nothing more, and what is being handled and sent has a moment to end; then the connections do. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const stopped = [...this.#workers].map((worker) => worker.stop({ timeoutMs: sdkLimits.farewellMs }))
    const sent = this.#senders.values().map((sender) => sender.drained())
    await this.#within(sdkLimits.farewellMs, Promise.all([...stopped, ...sent]))
    const error = closed()
    this.#closed = error
    for (const sender of this.#senders.values()) sender.close(error)
    this.#leases.close(error)
    this.#calls.close(error)
    this.#links.stop()
  }

  async #within(ms: number, done: Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#ports.clock.after(ms, resolve)
      void done.then(() => {
        cancel()
        resolve()
      })
    })
  }

  #receive<T>(
    queue: string,
    options: ReceiveOptions,
    extending: (visibilityMs: number) => void = () => {},
  ): Promise<readonly Message<T>[]> {
    return receive<T>(this.#receiverPorts(extending), queue, options)
  }

  #receiverPorts(extending: (visibilityMs: number) => void): ReceiverPorts {
    const { leaseClock, prng } = this.#ports
    const own = { settler: this.#settler, leases: this.#leases, leaseClock, extending, chance: () => prng.float() }
    return { ...this.#asking, ...own, places: this.#places, client: this.#client }
  }

  #startWorker<T>(queue: string, handler: Handler<T>, options: WorkOptions): Worker<T> {
    this.#mustBeOpen()
    const ports = {
      clock: this.#ports.clock,
      receive: (asked: ReceiveOptions, extending: (ms: number) => void) => this.#receive<T>(queue, asked, extending),
    }
    const worker = new Worker<T>(ports, handler, options)
    // Its messages are nobody's business here.
    const kept = worker as unknown as Worker<never>
    this.#workers.add(kept)
    void worker.done.finally(() => this.#workers.delete(kept))
    return worker
  }

  #senderOf(queue: string): Sender {
    const known = this.#senders.get(queue)
    if (known !== undefined) return known
    const { prng, entropy } = this.#ports
    const sender = new Sender(queue, { ...this.#asking, prng, entropy, places: this.#places })
    if (this.#closed !== null) sender.close(this.#closed)
    this.#senders.set(queue, sender)
    return sender
  }

  /** Delivered to a call that had ended: nobody would ever settle it. */
  #stray(answer: Answer): void {
    if (answer.type === 'delivered') giveBack({ settler: this.#settler }, answer.messages)
  }

  #mustBeOpen(): void {
    if (this.#closing !== null) throw closed()
  }
}

const closed = (): LockstepError => new LockstepError('closed', 'this client was closed')

interface QueuesOptions {
  readonly prefix?: string
  /** Go on behind this name: `next` of the page before. */
  readonly after?: string | null
  readonly limit?: number
}
