import { deferred } from '#base/deferred.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { callEndOf } from '#api/call.ts'
import type { Call } from '#api/call.ts'
import { unknownOutcome } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import type { ConsumeMany, Deliveries, Delivery } from '#api/queues/consume.ts'
import type { ConsumeFault } from '#api/queues/queue-api.ts'
import { receiptOf } from '#api/queues/receipt.ts'
import { instantOf } from '#api/schemas.ts'
import type { JsonBytes } from '#api/schemas.ts'
import type { Listing } from '#core/queue/catalogue-types.ts'
import { formatMessageId } from '#core/queue/message-id.ts'
import { consumerId, queueName } from '#core/queue/types.ts'
import type { Clock } from '#ports/clock.ts'
import { pathLimits } from '#services/common/limits.ts'
import { queueServiceLimits as limits } from './limits.ts'
import type { Consume, Delivered } from './peer-messages.ts'
import type { QueueCalls } from './queue-calls.ts'
import { limitMet, unexpected, unsettled } from './queue-faults.ts'
import type { Asked } from './queue-path.ts'

export interface ConsumingPorts {
  readonly calls: QueueCalls
  readonly clock: Clock
  /** Names one wait among all of all nodes. */
  readonly newTicket: () => string
  /** Gives deliveries back without penalty. */
  readonly undelivered: (receipts: readonly string[]) => void
}

type Consumed = Result<Deliveries, Fault<ConsumeFault>>
/** `gone`: the slot does not know the queue. `late`: nobody answered while there was time. */
type Outcome = Exclude<Asked, { type: 'silent' | 'nobody' | 'left' | 'view' | 'entry' }> | { readonly type: 'late' }

/** There is nothing to be had of that partition now, and there may be of another. */
const isNothing = (outcome: Outcome): boolean =>
  outcome.type === 'empty' || (outcome.type === 'refused' && outcome.code === 'in_flight_full')

/** Takes messages from the leaders of a queue's partitions. */
export class Consuming {
  readonly #ports: ConsumingPorts
  /** Where the next call begins, so that all partitions get their turn. */
  #turn = 0

  constructor(ports: ConsumingPorts) {
    this.#ports = ports
  }

  async consume(request: ConsumeMany, call: Call): Promise<Consumed> {
    const { calls, clock } = this.#ports
    const name = queueName(request.queue)
    const deadline = clock.now() + request.wait_ms
    for (let attempt = 0; attempt < limits.configureAttempts; attempt++) {
      const found = await calls.find(name, false)
      if (!found.ok) return err(found.error as Fault<ConsumeFault>)
      // A wait is no new work once it has begun.
      const refusal = attempt === 0 ? this.#refusal(found.value) : null
      if (refusal !== null) return err(refusal)
      const outcome = await this.#take(found.value, request, deadline, call)
      if (outcome.type === 'empty') return this.#consumed(outcome, await this.#newest(found.value, call))
      if (outcome.type !== 'gone') return this.#consumed(outcome, found.value)
      const told = await this.#tellSlots(found.value)
      if (!told.ok) return told
    }
    return err(unsettled())
  }

  /** A wait may have been long, unless it was ended. */
  async #newest(listing: Listing, call: Call): Promise<Listing> {
    if (callEndOf(call) !== null) return listing
    const found = await this.#ports.calls.find(listing.definition.name, false)
    return found.ok ? found.value : listing
  }

  #refusal(listing: Listing): Fault<'overloaded'> | null {
    return this.#ports.calls.pathOf(listing, this.#turn % listing.definition.partitions).refusal()
  }

  /** Nothing was ever produced to some partition, or the queue was deleted: then its name stands for another by now, or for none. */
  async #tellSlots({ definition: { name } }: Listing): Promise<Result<null, Fault<ConsumeFault>>> {
    const { calls } = this.#ports
    calls.directory.forget(name)
    const found = await calls.find(name, false)
    if (!found.ok) return err(found.error as Fault<ConsumeFault>)
    for (let partition = 0; partition < Math.min(found.value.definition.partitions, calls.slots); partition++) {
      const told = await calls.configure(calls.pathOf(found.value, partition), found.value)
      if (!told.ok) return told
    }
    return ok(null)
  }

  #consumed(outcome: Exclude<Outcome, { type: 'gone' }>, { definition: { name, settings } }: Listing): Consumed {
    switch (outcome.type) {
      case 'delivered': {
        const visibleUntil = instantOf(outcome.visibleUntil)
        return ok({ messages: outcome.messages.map((each) => deliveryOf(each, name, visibleUntil)), paused: false })
      }
      case 'empty':
        return ok({ messages: [], paused: settings.paused })
      case 'refused':
        return outcome.code === 'invalid' ? unexpected('an invalid consume') : err(limitMet(outcome.code))
      case 'late':
        return err(unknownOutcome())
    }
  }

  /** With several partitions each is asked in turn; only then does the call wait, at all of them. */
  async #take(listing: Listing, request: ConsumeMany, deadline: number, call: Call): Promise<Outcome> {
    const { partitions } = listing.definition
    const first = this.#turn++
    // A signal of several costs as much as all the rest.
    if (partitions === 1) return this.#ask(listing, 0, request, deadline, call)
    const order = Array.from({ length: partitions }, (_, step) => (first + step) % partitions)
    let nothing: Outcome = { type: 'empty' }
    for (const partition of order) {
      const outcome = await this.#ask(listing, partition, request, this.#ports.clock.now(), call)
      if (!isNothing(outcome) || callEndOf(call) !== null) return outcome
      if (outcome.type === 'refused') nothing = outcome
    }
    if (this.#ports.clock.now() >= deadline) return nothing
    return this.#first(
      order.map((partition) => (signal) => this.#ask(listing, partition, request, deadline, { signal })),
      call,
    )
  }

  /** Whoever delivers first; the others are told to stop, and what they deliver all the same is given back. */
  async #first(asks: readonly ((ended: AbortSignal) => Promise<Outcome>)[], { signal }: Call): Promise<Outcome> {
    const ended = new AbortController()
    const end = (): void => ended.abort(signal.reason)
    signal.addEventListener('abort', end, { once: true })
    const { promise, resolve } = deferred<Outcome>()
    let decided = false
    let left = asks.length
    let nothing: Outcome = { type: 'empty' }
    for (const ask of asks) {
      void ask(ended.signal).then((outcome) => {
        left--
        if (decided) return this.#giveBack(outcome)
        if (isNothing(outcome)) {
          if (outcome.type === 'refused') nothing = outcome
          if (left > 0) return
        }
        decided = true
        signal.removeEventListener('abort', end)
        ended.abort('client-gone')
        resolve(isNothing(outcome) ? nothing : outcome)
      })
    }
    return promise
  }

  #giveBack(outcome: Outcome): void {
    if (outcome.type === 'delivered')
      this.#ports.undelivered(outcome.messages.map(({ id, lease }) => receiptOf(formatMessageId(id), lease)))
  }

  async #ask(listing: Listing, partition: number, request: ConsumeMany, deadline: number, call: Pick<Call, 'signal'>): Promise<Outcome> {
    const { clock, calls, newTicket } = this.#ports
    const path = calls.pathOf(listing, partition)
    // Whoever does not wait for messages waits for an answer all the same.
    const askUntil = Math.max(deadline, clock.now() + pathLimits.commandMs - limits.consumeGraceMs)
    for (;;) {
      if (callEndOf(call) !== null) return { type: 'empty' }
      const waitMs = Math.max(0, Math.ceil(deadline - clock.now()))
      const question: Consume = {
        type: 'consume',
        ticket: newTicket(),
        queue: { generation: listing.definition.generation, partition },
        consumer: consumerId(request.consumer_id),
        max: request.max,
        visibilityMs: request.visibility_ms ?? null,
        waitMs,
      }
      const asked = await new Promise<Asked>((resolve) => {
        let hasLeft = false
        const left = (): void => {
          hasLeft = true
          resolve({ type: 'left' })
        }
        const leave = (): void => path.askLeader({ type: 'leave', ticket: question.ticket }, left)
        call.signal.addEventListener('abort', leave, { once: true })
        const done = (answer: Asked): void => {
          call.signal.removeEventListener('abort', leave)
          // A large answer may be overtaken by that to the leaving.
          if (hasLeft || callEndOf(call) === 'client-gone') this.#giveBack(answer as Outcome)
          resolve(answer)
        }
        path.waitAtLeader(question, done, waitMs + limits.consumeGraceMs)
      })
      switch (asked.type) {
        case 'delivered':
        case 'empty':
        case 'gone':
        case 'refused':
          return asked
        case 'left':
          return { type: 'empty' }
        default:
          if (clock.now() >= askUntil) return { type: 'late' }
      }
    }
  }
}

function deliveryOf({ id, lease, failed, enqueuedAt, message }: Delivered, queue: string, visibleUntil: string): Delivery {
  const text = formatMessageId(id)
  const { key, headers, source } = message
  return {
    message_id: text,
    // The service takes nothing else for a body.
    message: message.body as JsonBytes,
    queue,
    delivery_count: lease,
    receipt: receiptOf(text, lease),
    enqueued_at: instantOf(enqueuedAt),
    visible_until: visibleUntil,
    failed_count: failed,
    priority: message.priority,
    ...(key === null ? {} : { key }),
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])) }),
    ...(source === null
      ? {}
      : {
          dead_letter: {
            queue: source.queue,
            message_id: formatMessageId(source.id),
            reason: source.reason,
            delivery_count: source.delivered,
            failed_count: source.failed,
          },
        }),
  }
}
