import type { Result } from '#base/result.ts'
import { ok } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import type { Fault } from '#api/errors.ts'
import type { Delivery } from '#api/queues/consume.ts'
import type { ProducedMessage } from '#api/queues/produce.ts'
import type { Items, QueueApi } from '#api/queues/queue-api.ts'
import { refOfReceipt } from '#api/queues/receipt.ts'
import type { PutQueueRequest } from '#api/queues/queues.ts'
import { instantOf } from '#api/schemas.ts'
import type { JsonBytes } from '#api/schemas.ts'
import type {
  DeliveredMessage,
  MessageHeader,
  ProducedItem,
  QueueClientMessage,
  QueueLook,
  QueueOrder,
  QueueServerMessage,
  SeenMessage,
  SentMessage,
  SettingsChange,
  SettledItem,
} from '#wire/queue-client-message.ts'

/** The calls of clients as those of the API, and its answers in the words of the protocol. */

type Asked<Type extends QueueClientMessage['type']> = Extract<QueueClientMessage, { readonly type: Type }>
/** What a call is answered with; the number of the call is put to it. */
type Answer = DistributiveOmit<Extract<QueueServerMessage, { readonly call: number }>, 'call'>
export type Answered = Result<Answer, Fault>
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

export async function produce(api: QueueApi, { queue, producer, messages }: Asked<'produce'>, call: Call): Promise<Answered> {
  const { id: producer_id, partition, sequence } = producer
  const request = { queue, messages: messages.map(producedOf), producer: { producer_id, partition, sequence } }
  const produced = await api.produce(request, call)
  if (!produced.ok) return produced
  const results = produced.value.map((result): ProducedItem =>
    result.ok ? { type: 'enqueued', id: result.value.message_id, duplicate: result.value.duplicate === true } : refusedOf(result.error),
  )
  return ok({ type: 'produced', results })
}

export async function consume(api: QueueApi, asked: Asked<'consume'>, call: Call): Promise<Answered> {
  const { queue, consumer: consumer_id, max, waitMs: wait_ms, visibilityMs: visibility_ms } = asked
  const consumed = await api.consume({ queue, consumer_id, max, wait_ms, visibility_ms }, call)
  if (!consumed.ok) return consumed
  const { messages, paused } = consumed.value
  return ok({ type: 'delivered', paused, messages: messages.map(deliveredOf) })
}

export async function settle(api: QueueApi, asked: Asked<'ack' | 'nack' | 'extend'>, call: Call): Promise<Answered> {
  const refs = asked.receipts.map(refOfReceipt)
  switch (asked.type) {
    case 'ack':
      return settledOf(await api.ack({ refs }, call))
    case 'nack':
      return settledOf(await api.nack({ refs, kind: asked.kind, delay_ms: asked.delayMs }, call))
    case 'extend':
      return settledOf(await api.extend({ refs, visibility_ms: asked.visibilityMs }, call))
  }
}

export async function manage(api: QueueApi, order: QueueOrder, call: Call): Promise<Answered> {
  const { queue } = order
  switch (order.type) {
    case 'put': {
      const { partitions, ifRevision, change } = order
      const only = { ...(partitions === null ? {} : { partitions }), ...(ifRevision === null ? {} : { if_revision: ifRevision }) }
      return viewOf(await api.putQueue({ queue, ...only, ...settingsOf(change) }, call))
    }
    case 'delete':
      return viewOf(await api.deleteQueue({ queue }, call))
    case 'purge':
      return viewOf(await api.purge({ queue, dead: order.dead }, call))
    case 'redrive': {
      const { from, rate, max } = order
      return viewOf(await api.redrive({ queue, from, ...(rate === null ? {} : { rate }), ...(max === null ? {} : { max }) }, call))
    }
    case 'cancel-redrive':
      return viewOf(await api.cancelRedrive({ queue }, call))
  }
}

export async function look(api: QueueApi, question: QueueLook, call: Call): Promise<Answered> {
  switch (question.type) {
    case 'queue':
      return viewOf(await api.queue({ queue: question.queue }, call))
    case 'queues': {
      const { prefix, after, limit } = question
      return viewOf(await api.queues({ prefix, limit, ...(after === null ? {} : { after }) }, call))
    }
    case 'messages':
      return lookAtMessages(api, question, call)
  }
}

async function lookAtMessages(api: QueueApi, question: Extract<QueueLook, { type: 'messages' }>, call: Call): Promise<Answered> {
  const { queue, which, after, limit } = question
  const page = { queue, limit, ...(after === null ? {} : { after }) }
  if (which === 'scheduled') {
    const scheduled = await api.scheduled(page, call)
    if (!scheduled.ok) return scheduled
    const messages = scheduled.value.messages.map((each) => seenOf({ ...each, until: each.due_at }))
    return ok({ type: 'messages', messages, next: scheduled.value.next })
  }
  const peeked = await api.peek({ ...page, state: which }, call)
  if (!peeked.ok) return peeked
  const messages = peeked.value.messages.map((each) => seenOf({ ...each, until: each.visible_until ?? null }))
  return ok({ type: 'messages', messages, next: peeked.value.next })
}

function producedOf({ key, priority, delayMs, deliverAt, ttlMs, dedupeId, headers, body }: SentMessage): ProducedMessage {
  return {
    // The library writes JSON; what else is sent comes back as it is, and hurts nobody but who reads it.
    message: body as JsonBytes,
    priority,
    ...(key === null ? {} : { key }),
    ...(deliverAt === null ? { delay_ms: delayMs } : { deliver_at: instantOf(deliverAt) }),
    ...(ttlMs === null ? {} : { ttl_ms: ttlMs }),
    ...(dedupeId === null ? {} : { dedupe_id: dedupeId }),
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])) }),
  }
}

function deliveredOf(delivery: Delivery): DeliveredMessage {
  const { dead_letter: source } = delivery
  return {
    id: delivery.message_id,
    deliveries: delivery.delivery_count,
    failures: delivery.failed_count,
    enqueuedAt: delivery.enqueued_at,
    priority: delivery.priority,
    key: delivery.key ?? null,
    headers: headersOf(delivery.headers),
    deadLetter:
      source === undefined
        ? null
        : {
            queue: source.queue,
            id: source.message_id,
            reason: source.reason,
            deliveries: source.delivery_count,
            failures: source.failed_count,
          },
    body: delivery.message,
  }
}

type Seen = Omit<Delivery, 'queue' | 'receipt' | 'visible_until' | 'dead_letter'> & {
  readonly partition: number
  readonly consumer_id?: string
  readonly until: string | null
  readonly unreadable?: true
}

const seenOf = (seen: Seen): SeenMessage => ({
  id: seen.message_id,
  partition: seen.partition,
  deliveries: seen.delivery_count,
  failures: seen.failed_count,
  enqueuedAt: seen.enqueued_at,
  priority: seen.priority,
  key: seen.key ?? null,
  headers: headersOf(seen.headers),
  consumer: seen.consumer_id ?? null,
  until: seen.until,
  unreadable: seen.unreadable ?? false,
  body: seen.message,
})

const headersOf = (headers: Readonly<Record<string, string>> = {}): readonly MessageHeader[] =>
  Object.entries(headers).map(([name, value]) => ({ name, value }))

type Settled = Result<Items<{ readonly status: Extract<SettledItem, { type: 'done' }>['status'] }, Fault['code']>, Fault>

function settledOf(settled: Settled): Answered {
  if (!settled.ok) return settled
  const results = settled.value.map((result): SettledItem =>
    result.ok ? { type: 'done', status: result.value.status } : refusedOf(result.error),
  )
  return ok({ type: 'settled', results })
}

const refusedOf = ({ code, message }: Fault): Extract<ProducedItem, { type: 'refused' }> => ({ type: 'refused', code, message })

const viewOf = (view: Result<object, Fault>): Answered =>
  view.ok ? ok({ type: 'view', view: new TextEncoder().encode(JSON.stringify(view.value)) }) : view

function settingsOf(change: SettingsChange): Omit<PutQueueRequest, 'partitions' | 'if_revision'> {
  const { growth, delayMs: delay_ms, maxMs: max_ms, jitterPercent: jitter_percent } = change
  const retry = given({ growth, delay_ms, max_ms, jitter_percent })
  const single = <T>(list: readonly T[] | null): T | null | undefined => (list === null ? undefined : (list[0] ?? null))
  const limits = { dead_letter_queue: single(change.deadLetterQueue), max_length: single(change.maxLength), ttl_ms: single(change.ttlMs) }
  const { visibilityMs: visibility_ms, maxFailures: max_failures, expiryFails: expiry_fails } = change
  const { overflow, dedupeWindowMs: dedupe_window_ms, paused } = change
  return {
    ...given({ visibility_ms, max_failures, expiry_fails, overflow, dedupe_window_ms, paused }),
    ...Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)),
    ...(Object.keys(retry).length === 0 ? {} : { retry }),
  }
}

/** Without what is null. */
const given = <T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as { [K in keyof T]?: NonNullable<T[K]> }
