import { connect } from '#index.ts'
import type { Lockstep, Message, Queue } from '#index.ts'
import type { Consumer, QueueClient, Reader, Terms } from '#bench/queues/queue-client.ts'
import { consumeInLoops } from './loops.ts'
import type { Received } from './loops.ts'

/** Short, so that a consumer can be stopped. */
const waitMs = 300

/** Our nodes through the library: all calls share its connections, as the tasks of one program do. */
export class SdkClient implements QueueClient {
  readonly #lockstep: Lockstep

  private constructor(lockstep: Lockstep) {
    this.#lockstep = lockstep
  }

  static async connect(addresses: readonly string[]): Promise<SdkClient> {
    return new SdkClient(await connect({ queue: addresses.map((address) => `http://${address}`) }))
  }

  async create(name: string): Promise<void> {
    await this.#queue(name).create()
  }

  async remove(name: string): Promise<void> {
    await this.#queue(name).delete()
  }

  async produce(name: string, texts: readonly string[]): Promise<void> {
    const [only] = texts
    if (texts.length === 1 && only !== undefined) {
      await this.#queue(name).send(only)
      return
    }
    for (const result of await this.#queue(name).sendBatch(texts.map((payload) => ({ payload })))) if (!result.ok) throw result.error
  }

  /** Singles are received by one task as they come, and each is acked for itself; batches by a task each. */
  async consume(name: string, { credit, batch }: Terms, reader: Reader): Promise<Consumer> {
    const queue = this.#queue(name)
    return batch === 1 ? new SingleAcks(queue, credit, reader) : consumeInLoops(credit / batch, () => receiveBatch(queue, batch), reader)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lockstep.close()
  }

  #queue(name: string): Queue<string> {
    return this.#lockstep.queue<string>(name)
  }
}

async function receiveBatch(queue: Queue<string>, max: number): Promise<Received> {
  const messages = await queue.receive({ max, waitMs })
  return {
    texts: messages.map(({ payload }) => payload),
    ack: async () => void (await Promise.all(messages.map((message) => message.ack()))),
  }
}

/** Receives whatever its credit allows; each message is acked by itself, and gives its credit back when that is confirmed. */
class SingleAcks implements Consumer {
  readonly #queue: Queue<string>
  readonly #reader: Reader
  readonly #working: Promise<void>
  readonly #acking = new Set<Promise<void>>()
  #credit: number
  #stopped = false
  #credited: () => void = () => {}

  constructor(queue: Queue<string>, credit: number, reader: Reader) {
    this.#queue = queue
    this.#credit = credit
    this.#reader = reader
    this.#working = this.#work().catch((error: unknown) => reader.failed(error))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#credited()
    await this.#working
    await Promise.all(this.#acking)
  }

  async #work(): Promise<void> {
    while (!this.#stopped) {
      if (this.#credit === 0) {
        await new Promise<void>((resolve) => (this.#credited = resolve))
        continue
      }
      for (const message of await this.#queue.receive({ max: this.#credit, waitMs })) {
        this.#credit--
        const acking = this.#ack(message).catch((error: unknown) => this.#reader.failed(error))
        this.#acking.add(acking)
        void acking.then(() => this.#acking.delete(acking))
      }
    }
  }

  async #ack(message: Message<string>): Promise<void> {
    const delivery = this.#reader.delivered([message.payload])
    await message.ack()
    delivery.acked()
    this.#credit++
    this.#credited()
  }
}
