import { Type } from '#api/type.ts'
import { closed, count, durationMs, instant, integer, listOf, literal, optional } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { queueApiLimits as limits, queueDefaults } from './limits.ts'
import { consumerId, deadReason, enqueuedAt, headers, itemError, key, message, messageId, priority, queueName, receipt } from './words.ts'

/** `POST /consume` and `GET /consume/stream`. */

const visibilityMs = optional(
  durationMs(1, limits.visibilityMsMax, {
    description: 'For how long nobody else gets what is delivered now. Left out: as the queue says.',
  }),
)

export const consumeRequest = closed(
  {
    queue: queueName,
    consumer_id: consumerId,
    max: optional(
      integer(1, limits.itemsMax, {
        description: 'Up to so many, as the list `messages`. Left out: one, and no list. It never waits for more than one.',
      }),
    ),
    wait_ms: optional(durationMs(0, limits.waitMsMax, { default: 0, description: 'How long to wait for a first message.' })),
    visibility_ms: visibilityMs,
  },
  { title: 'ConsumeRequest' },
)
export type ConsumeRequest = Data<typeof consumeRequest>

const deadLetter = closed(
  {
    queue: queueName,
    message_id: messageId,
    reason: deadReason,
    delivery_count: count(),
    failed_count: count(),
  },
  { title: 'DeadLetter', description: 'Where a dead letter comes from.' },
)

const deliveryFields = {
  message_id: messageId,
  message,
  queue: queueName,
  delivery_count: integer(1, Number.MAX_SAFE_INTEGER, { description: 'How often it was delivered, this time included.' }),
  receipt,
  enqueued_at: enqueuedAt,
  visible_until: instant({
    description:
      'Until then nobody else gets it. By the clock of the leader: for people. Count the visibility from when you sent the request instead.',
  }),
  failed_count: count({ description: 'How often it failed.' }),
  priority,
  key: optional(key),
  headers: optional(headers),
  dead_letter: optional(deadLetter),
}

const delivery = closed(deliveryFields, { title: 'Delivery' })
export type Delivery = Data<typeof delivery>

export const delivered = closed({ status: literal('delivered'), ...deliveryFields }, { title: 'Delivered' })

export const deliveredMany = closed(
  { status: literal('delivered'), messages: listOf(delivery, { minItems: 1, maxItems: limits.itemsMax }) },
  { title: 'DeliveredMany' },
)

export const nothingDelivered = closed(
  {
    status: literal('empty'),
    message: Type.Null(),
    messages: optional(listOf(delivery, { maxItems: 0, description: 'When `max` was given.' })),
    paused: optional(literal(true, { description: 'The queue is paused: it delivers nothing. Left out otherwise.' })),
  },
  { title: 'NothingDelivered' },
)
export type NothingDelivered = Data<typeof nothingDelivered>

/** What a service is asked. */
export interface ConsumeMany {
  readonly queue: string
  readonly consumer_id: string
  readonly max: number
  readonly wait_ms: number
  readonly visibility_ms?: number
}

/** What a service answers; empty when the wait was over. */
export interface Deliveries {
  readonly messages: readonly Delivery[]
  readonly paused: boolean
}

export const streamQuery = closed({
  queue: queueName,
  consumer_id: consumerId,
  credit: optional(
    integer(1, limits.creditMax, { default: queueDefaults.credit, description: 'The stream ends when it has delivered so many messages.' }),
  ),
  visibility_ms: visibilityMs,
})
export type StreamQuery = Data<typeof streamQuery>

/** The events of the stream. */
export const streamedEvents = {
  message: delivery,
  failed: closed({ error: itemError }, { title: 'StreamFailed', description: 'The stream is over. What it was is told as for any call.' }),
  end: closed(
    {
      reason: Type.Union([Type.Literal('credit'), Type.Literal('stopping')], {
        description: '`credit` is used up; or the node stops: go to another.',
      }),
    },
    { title: 'StreamEnded' },
  ),
} as const
