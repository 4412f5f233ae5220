import { connect } from 'amqplib'
import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib'
import { jsonOf, textIn } from '#bench/queues/body.ts'
import type { Consumer, Delivery, QueueClient, Reader, Terms } from '#bench/queues/queue-client.ts'

const replicas = 3
/** A batch that does not fill up is acked after so long. */
const lingerMs = 5

/** As a program declares a queue that is to outlive a node: a quorum queue on all three, led by the node it is connected to. */
export const quorumQueue = {
  durable: true,
  arguments: { 'x-queue-type': 'quorum', 'x-quorum-initial-group-size': replicas, 'x-queue-leader-locator': 'client-local' },
} as const

/** RabbitMQ through amqplib: a connection to produce with confirms, and one to consume. Its protocol has no answer to an ack. */
export class RabbitmqClient implements QueueClient {
  readonly #connections: readonly ChannelModel[]
  readonly #producing: ConfirmChannel
  readonly #consuming: ChannelModel

  private constructor(connections: readonly ChannelModel[], producing: ConfirmChannel, consuming: ChannelModel) {
    this.#connections = connections
    this.#producing = producing
    this.#consuming = consuming
  }

  static async connect([address = '']: readonly string[]): Promise<RabbitmqClient> {
    const [producing, consuming] = await Promise.all([connect(`amqp://${address}`), connect(`amqp://${address}`)])
    return new RabbitmqClient([producing, consuming], await producing.createConfirmChannel(), consuming)
  }

  async create(queue: string): Promise<void> {
    await this.#producing.assertQueue(queue, quorumQueue)
  }

  async remove(queue: string): Promise<void> {
    await this.#producing.deleteQueue(queue)
  }

  async produce(queue: string, texts: readonly string[]): Promise<void> {
    await Promise.all(texts.map((text) => this.#publish(queue, Buffer.from(jsonOf(text)))))
  }

  async consume(queue: string, { credit, batch }: Terms, reader: Reader): Promise<Consumer> {
    const channel = await this.#consuming.createChannel()
    channel.on('error', (error) => reader.failed(error))
    await channel.prefetch(credit)
    const deliveries: Delivery[] = []
    let last: ConsumeMessage | null = null
    let linger: NodeJS.Timeout | undefined
    const ack = (): void => {
      clearTimeout(linger)
      if (last === null) return
      channel.ack(last, true)
      last = null
      for (const delivery of deliveries.splice(0)) delivery.acked()
    }
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message === null) return reader.failed(new Error('RabbitMQ has ended the consumer'))
      deliveries.push(reader.delivered([textIn(message.content.toString('latin1'))]))
      last = message
      clearTimeout(linger)
      if (deliveries.length >= batch) ack()
      else linger = setTimeout(ack, lingerMs)
    })
    return {
      stop: async () => {
        await channel.cancel(consumerTag)
        ack()
        await channel.close()
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()))
  }

  #publish(queue: string, body: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#producing.sendToQueue(queue, body, { persistent: true }, (error: unknown) => {
        if (error === null || error === undefined) resolve()
        else reject(error instanceof Error ? error : new Error('a message was refused'))
      })
    })
  }
}
