import { Type } from '#api/type.ts'
import { closed, count, instant, integer, leftMs, listOf, literal, nullable, oneOf, optional } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { queueApiLimits as limits, queueDefaults as defaults } from './limits.ts'
import type { QueuePath } from './queues.ts'
import { consumerId, enqueuedAt, headers, key, message, messageId, priority, queueName } from './words.ts'

/** `GET /queues/{queue}/peek` and `/scheduled`: messages to look at. Nothing is delivered or counted by it. */

const paging = {
  after: optional(Type.String({ pattern: '^[A-Za-z0-9_.-]{1,128}$', description: 'Go on behind this place: `next` of the page before.' })),
  limit: optional(
    integer(1, limits.messagesPageMax, {
      default: defaults.messages_page,
      description: 'How many to list; fewer when they are large.',
    }),
  ),
}

export const peekQuery = closed({
  state: optional(
    oneOf(['ready', 'in-flight', 'dead'], { default: 'ready', description: 'Which. `dead`: those on their way to another queue too.' }),
  ),
  ...paging,
})
export type PeekQuery = QueuePath & Data<typeof peekQuery>

export const scheduledQuery = closed(paging)
export type ScheduledQuery = QueuePath & Data<typeof scheduledQuery>

const seen = {
  message_id: messageId,
  message,
  partition: integer(0, limits.partitionsMax - 1),
  enqueued_at: enqueuedAt,
  age_ms: leftMs(),
  delivery_count: count(),
  failed_count: count(),
  priority,
  key: optional(key),
  headers: optional(headers),
  unreadable: optional(
    literal(true, { description: 'Its body and headers cannot be read now, so `message` is null. Left out otherwise.' }),
  ),
}

const peekedMessage = closed(
  {
    ...seen,
    consumer_id: optional({ ...consumerId, description: 'Who has it, while it is in flight.' }),
    visible_until: optional(instant({ description: 'While it is in flight.' })),
  },
  { title: 'PeekedMessage' },
)

const next = nullable(Type.String({ description: 'Give it as `after` for the next page; null: this is the last one.' }))

export const peeked = closed(
  {
    queue: queueName,
    messages: listOf(peekedMessage, {
      maxItems: limits.messagesPageMax,
      description: '`ready`: partition by partition, as they would be delivered; others as they were enqueued.',
    }),
    next,
  },
  { title: 'Peeked' },
)
export type Peeked = Data<typeof peeked>

const scheduledMessage = closed(
  {
    ...seen,
    due_at: instant({
      description: 'By the clock of the leader. Of a delay it is where things stand: it is counted in time that the service was up.',
    }),
  },
  { title: 'ScheduledMessage' },
)

export const scheduledView = closed(
  {
    queue: queueName,
    messages: listOf(scheduledMessage, { maxItems: limits.messagesPageMax, description: 'Partition by partition, as they were enqueued.' }),
    next,
  },
  { title: 'ScheduledView' },
)
export type ScheduledView = Data<typeof scheduledView>
