import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import type { JetStreamClient, JetStreamManager, JsMsg } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { NatsConnection } from '@nats-io/transport-node'
import { jsonOf, textIn } from '#bench/queues/body.ts'
import type { Consumer, QueueClient, Reader, Terms } from '#bench/queues/queue-client.ts'

const replicas = 3
const ackWaitNanos = 30e9
const durable = 'consumer'

/** As a program makes a stream that is a queue: a message is gone when it is acked. */
export const queueStream = { retention: RetentionPolicy.Workqueue, storage: StorageType.File, num_replicas: replicas } as const

/** A stream of JetStream for each queue, through its Node client, connected to the node that leads the stream. */
export class JetstreamClient implements QueueClient {
  readonly #addresses: readonly string[]
  readonly #confirmedAcks: boolean
  readonly #first: NatsConnection
  readonly #manager: JetStreamManager
  #leader: NatsConnection | null = null
  #stream: JetStreamClient | null = null

  private constructor(addresses: readonly string[], confirmedAcks: boolean, first: NatsConnection, manager: JetStreamManager) {
    this.#addresses = addresses
    this.#confirmedAcks = confirmedAcks
    this.#first = first
    this.#manager = manager
  }

  static async connect(addresses: readonly string[], options: { readonly confirmedAcks: boolean }): Promise<JetstreamClient> {
    const first = await connect({ servers: [...addresses] })
    return new JetstreamClient(addresses, options.confirmedAcks, first, await jetstreamManager(first))
  }

  async create(queue: string): Promise<void> {
    const { config, cluster } = await this.#manager.streams.add({ name: queue, subjects: [queue], ...queueStream })
    if (config.num_replicas !== replicas || config.storage !== StorageType.File)
      throw new Error(`a stream is kept as ${JSON.stringify(config)}`)
    await this.#leader?.close()
    // The servers are named after their position.
    this.#leader = await connect({ servers: this.#addresses[Number(cluster?.leader?.split('-')[1] ?? 0)] ?? '' })
    this.#stream = jetstream(this.#leader)
  }

  async remove(queue: string): Promise<void> {
    await this.#manager.streams.delete(queue)
  }

  async produce(queue: string, texts: readonly string[]): Promise<void> {
    const stream = this.#open()
    await Promise.all(texts.map((text) => stream.publish(queue, jsonOf(text))))
  }

  async consume(queue: string, { credit }: Terms, reader: Reader): Promise<Consumer> {
    await this.#manager.consumers.add(queue, {
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ackWaitNanos,
      max_ack_pending: credit,
      num_replicas: replicas,
    })
    const consumer = await this.#open().consumers.get(queue, durable)
    const acking = new Set<Promise<void>>()
    const messages = await consumer.consume({
      max_messages: credit,
      callback: (message) => {
        const ack = this.#ack(message, reader).catch((error: unknown) => reader.failed(error))
        acking.add(ack)
        void ack.then(() => acking.delete(ack))
      },
    })
    return {
      stop: async () => {
        await messages.close()
        await Promise.all(acking)
        await this.#leader?.flush()
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#first.close(), this.#leader?.close()])
  }

  async #ack(message: JsMsg, reader: Reader): Promise<void> {
    const delivery = reader.delivered([textIn(message.string())])
    if (!this.#confirmedAcks) message.ack()
    else if (!(await message.ackAck())) throw new Error('an ack was not confirmed')
    delivery.acked()
  }

  #open(): JetStreamClient {
    if (this.#stream === null) throw new Error('no stream was created')
    return this.#stream
  }
}
