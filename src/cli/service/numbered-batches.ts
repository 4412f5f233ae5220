import { randomUUID } from 'node:crypto'
import type { ProducedMessage } from '#api/queues/produce.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import type { AnswerOf } from '#api/route.ts'
import { partitionOf } from '#core/ring/partition.ts'
import type { ServiceClient } from './service-client.ts'
import { orRefused, refused } from './service-client.ts'

type Result = Extract<AnswerOf<typeof queueRoutes.produce>, { readonly results: unknown }>['results'][number]

/**
 * Batches of one run of this program, numbered for each partition: one that had no answer is sent again, and taken once however often it comes, with nothing to
 * be remembered for each message.
 */
export class NumberedBatches {
  readonly #client: ServiceClient
  readonly #queue: string
  /** Of all messages; they are of one partition then. */
  readonly #key: string | undefined
  readonly #id: string = randomUUID()
  readonly #sequences = new Map<number, number>()
  #partitions: number | null = null
  #turn = 0

  constructor(client: ServiceClient, queue: string, key: string | undefined) {
    this.#client = client
    this.#queue = queue
    this.#key = key
  }

  /** What became of each; throws when no node answers, or the batch is refused as a whole. */
  async send(messages: readonly ProducedMessage[]): Promise<readonly Result[]> {
    this.#partitions ??= await this.#findPartitions()
    const partition = this.#key === undefined ? this.#turn++ % this.#partitions : partitionOf(this.#key, this.#partitions)
    const sequence = (this.#sequences.get(partition) ?? 0) + 1
    this.#sequences.set(partition, sequence)
    const request = { queue: this.#queue, messages, producer: { producer_id: this.#id, partition, sequence } }
    const answer = orRefused(await this.#client.call(queueRoutes.produce, () => request, { repeatable: true }))
    return 'results' in answer ? answer.results : []
  }

  /** A queue that is not there yet is made by the first message, with one. */
  async #findPartitions(): Promise<number> {
    const found = await this.#client.call(queueRoutes.queue, () => ({ queue: this.#queue }))
    if (found.ok) return found.value.partitions
    if (found.error.code === 'unknown_queue') return 1
    throw refused(found.error)
  }
}
