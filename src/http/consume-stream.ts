import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Result } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import { callEndOf } from '#api/call.ts'
import { unavailable } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import { errorBodyOf } from '#api/errors.ts'
import type { Deliveries, Delivery, StreamQuery } from '#api/queues/consume.ts'
import { queueDefaults as defaults } from '#api/queues/limits.ts'
import type { ConsumeFault, QueueApi } from '#api/queues/queue-api.ts'
import type { BoundRoute } from './bound-route.ts'
import { sendFault } from './faults.ts'
import type { HttpLimits } from './limits.ts'
import { httpLimits } from './limits.ts'
import { writeRawJson } from './raw-json.ts'

/** Asked for at once, so that a reader that leaves has not taken many with it. */
const batchMax = 100

/**
 * `GET /consume/stream`. The credit is the whole of the flow control: it bounds what a client may have on its hands without anybody counting
 * its acks, which may go to any node. The first call is made before the head is written, so that what is wrong with the request is an answer
 * like any other.
 */
export function consumeStream(
  api: () => QueueApi | null,
  { heartbeatMs = httpLimits.heartbeatMs }: Partial<Pick<HttpLimits, 'heartbeatMs'>>,
): BoundRoute['serve'] {
  return async (request, reply, call) => {
    const queues = api()
    if (queues === null) return sendFault(reply, unavailable('this node is starting'))
    const { credit = defaults.credit, ...demand } = request.query as StreamQuery
    const consume = (left: number, waitMs: number): Promise<Consumed> =>
      queues.consume({ ...demand, max: Math.min(left, batchMax), wait_ms: waitMs }, call)
    const first = await consume(credit, 0)
    if (!first.ok) return sendFault(reply, first.error)
    reply.hijack()
    const stream = new DeliveryStream(reply.raw, (receipts) => queues.undelivered(receipts))
    stream.begin({ 'x-request-id': request.id })
    await pump(stream, { first: first.value, credit, call, consume: (left) => consume(left, heartbeatMs) })
    return reply
  }
}

type Consumed = Result<Deliveries, Fault<ConsumeFault>>

interface Pump {
  readonly first: Deliveries
  readonly credit: number
  readonly call: Call
  readonly consume: (left: number) => Promise<Consumed>
}

async function pump(stream: DeliveryStream, { first, credit, call, consume }: Pump): Promise<void> {
  let left = credit
  let deliveries = first
  for (;;) {
    left -= deliveries.messages.length
    await stream.deliver(deliveries.messages)
    if (left <= 0) return stream.end('end', { reason: 'credit' })
    const end = callEndOf(call)
    if (end !== null) return end === 'stopping' ? stream.end('end', { reason: end }) : undefined
    const outcome = await consume(left)
    if (!outcome.ok) {
      return outcome.error.code === 'stopping'
        ? stream.end('end', { reason: 'stopping' })
        : stream.end('failed', errorBodyOf(outcome.error, { repeatable: true }))
    }
    deliveries = outcome.value
  }
}

/** What was leased for a reader that left before it was sent is given back. */
class DeliveryStream {
  readonly #response: ServerResponse
  readonly #unsent = new Set<string>()
  readonly #giveBack: (receipts: readonly string[]) => void

  constructor(response: ServerResponse, giveBack: (receipts: readonly string[]) => void) {
    this.#response = response
    this.#giveBack = giveBack
    response.once('finish', () => this.#unsent.clear())
    response.once('close', () => this.#returnUnsent())
  }

  begin(headers: Readonly<Record<string, string>>): void {
    if (this.#response.destroyed) return
    this.#response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    this.#response.flushHeaders()
  }

  /** Resolves when the reader can take more, or is gone. Without messages it shows that the stream is alive. */
  async deliver(messages: readonly Delivery[]): Promise<void> {
    for (const delivery of messages) this.#unsent.add(delivery.receipt)
    if (this.#response.destroyed) return this.#returnUnsent()
    if (messages.length === 0) this.#response.write(': alive\n\n')
    for (const delivery of messages) {
      this.#response.write(eventText('message', writeRawJson(delivery)), (error) => {
        if (error === null || error === undefined) this.#unsent.delete(delivery.receipt)
      })
    }
    if (this.#response.writableNeedDrain) await Promise.race([once(this.#response, 'drain'), once(this.#response, 'close')])
  }

  end(type: string, data: object): void {
    this.#response.end(eventText(type, JSON.stringify(data)))
  }

  #returnUnsent(): void {
    if (this.#unsent.size > 0) this.#giveBack([...this.#unsent])
    this.#unsent.clear()
  }
}

/** A message may have line breaks between its tokens, and each line of an event has its own field. */
const eventText = (type: string, json: string): string => `event: ${type}\ndata: ${json.replaceAll(/\r\n|\r|\n/g, '\ndata: ')}\n\n`
