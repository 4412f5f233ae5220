import { HttpPool } from '#bench/kit/http-pool.ts'
import { jsonOf } from '#bench/queues/body.ts'
import type { Consumer, QueueClient, Reader, Terms } from '#bench/queues/queue-client.ts'
import { consumeInLoops } from './loops.ts'
import type { Received } from './loops.ts'

/** Short, so that a consumer can be stopped. */
const waitMs = 300

interface Delivered {
  readonly message: string
  readonly receipt: string
}

/** A node of ours over HTTP. */
export class HttpClient implements QueueClient {
  readonly #pool: HttpPool

  constructor([address = '']: readonly string[]) {
    this.#pool = new HttpPool(address)
  }

  async create(queue: string): Promise<void> {
    await this.#ask('PUT', `/queues/${queue}`, '{}')
  }

  async remove(queue: string): Promise<void> {
    await this.#ask('DELETE', `/queues/${queue}`, '')
  }

  async produce(queue: string, texts: readonly string[]): Promise<void> {
    const messages = texts.map((text) => `"message":${jsonOf(text)}`)
    const what = messages.length === 1 ? messages[0] : `"messages":[${messages.map((message) => `{${message}}`).join(',')}]`
    expectStatus(await this.#ask('POST', '/produce', `{"queue":"${queue}",${what}}`), 'enqueued')
  }

  async consume(queue: string, { credit, batch }: Terms, reader: Reader): Promise<Consumer> {
    return consumeInLoops(
      credit / batch,
      (loop) => this.#receive({ queue, consumer_id: `consumer-${loop}`, wait_ms: waitMs }, batch),
      reader,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pool[Symbol.dispose]()
  }

  async #receive(wanted: object, batch: number): Promise<Received> {
    const answer = await this.#ask('POST', '/consume', JSON.stringify(batch === 1 ? wanted : { ...wanted, max: batch }))
    if (answer['status'] === 'empty') return { texts: [], ack: async () => {} }
    expectStatus(answer, 'delivered')
    const delivered = (batch === 1 ? [answer] : answer['messages']) as readonly Delivered[]
    const receipts = delivered.map(({ receipt }) => receipt)
    const settled = batch === 1 ? { receipt: receipts[0] } : { receipts }
    return {
      texts: delivered.map(({ message }) => message),
      ack: async () => expectStatus(await this.#ask('POST', '/ack', JSON.stringify(settled)), 'acknowledged'),
    }
  }

  async #ask(method: string, path: string, body: string): Promise<Readonly<Record<string, unknown>>> {
    const { status, text } = await this.#pool.askUntilTaken(method, path, body)
    if (status >= 300) throw new Error(`${path} was answered with ${status}: ${text}`)
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  }
}

function expectStatus(answer: Readonly<Record<string, unknown>>, status: string): void {
  if (answer['status'] !== status) throw new Error(`not ${status}: ${JSON.stringify(answer).slice(0, 1_000)}`)
}
