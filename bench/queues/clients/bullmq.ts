import { Queue, Worker } from 'bullmq'
import type { Consumer, Delivery, QueueClient, Reader, Terms } from '#bench/queues/queue-client.ts'

const jobName = 'message'

/** BullMQ on one Redis. A worker takes one job at a time for each unit of its concurrency, and has no batches. */
export class BullmqClient implements QueueClient {
  readonly #connection: { readonly host: string; readonly port: number; readonly maxRetriesPerRequest: null }
  readonly #queues = new Map<string, Queue<string>>()

  constructor([address = '']: readonly string[]) {
    const [host = '', port] = address.split(':')
    this.#connection = { host, port: Number(port), maxRetriesPerRequest: null }
  }

  async create(name: string): Promise<void> {
    const queue = new Queue<string>(name, { connection: this.#connection, defaultJobOptions: { removeOnComplete: true } })
    await queue.waitUntilReady()
    this.#queues.set(name, queue)
  }

  async remove(name: string): Promise<void> {
    const queue = this.#open(name)
    await queue.obliterate({ force: true })
    await queue.close()
    this.#queues.delete(name)
  }

  async produce(name: string, texts: readonly string[]): Promise<void> {
    const queue = this.#open(name)
    const [only] = texts
    if (texts.length === 1 && only !== undefined) await queue.add(jobName, only)
    else await queue.addBulk(texts.map((data) => ({ name: jobName, data })))
  }

  async consume(name: string, { credit }: Terms, reader: Reader): Promise<Consumer> {
    const deliveries = new Map<string, Delivery>()
    const worker = new Worker<string>(name, async (job) => void deliveries.set(job.id ?? '', reader.delivered([job.data])), {
      connection: this.#connection,
      concurrency: Math.min(credit, concurrencyMax),
      removeOnComplete: { count: 0 },
    })
    worker.on('completed', ({ id = '' }) => {
      deliveries.get(id)?.acked()
      deliveries.delete(id)
    })
    worker.on('failed', (_job, error) => reader.failed(error))
    worker.on('error', (error) => reader.failed(error))
    await worker.waitUntilReady()
    return { stop: () => worker.close() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()))
  }

  #open(name: string): Queue<string> {
    const queue = this.#queues.get(name)
    if (queue === undefined) throw new Error(`${name} was not created`)
    return queue
  }
}

/** A worker fetches as many jobs as it may run, one after the other, before it begins with the first: beside a producer of batches, more makes it slower. */
const concurrencyMax = 50
