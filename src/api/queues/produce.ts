import { anyOf, closed, durationMs, instant, integer, listOf, literal, optional, text } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { nodeId } from '#api/common/words.ts'
import { queueApiLimits as limits, queueDefaults } from './limits.ts'
import { headers, key, message, messageId, outcome, priority, queueName, refusedItem } from './words.ts'

/** `POST /produce`. */

const terms = {
  key: optional(key),
  delay_ms: optional(
    durationMs(0, limits.durationMsMax, { description: 'Deliver it so much later, counted in time that the service was up.' }),
  ),
  deliver_at: optional(
    instant({
      maxLength: 64,
      description: 'Deliver it at this instant instead, by the clock of the leader.',
      examples: ['2026-01-31T12:00:00Z'],
    }),
  ),
  priority: optional({ ...priority, default: queueDefaults.priority }),
  ttl_ms: optional(
    durationMs(1, limits.durationMsMax, {
      description: 'Drop it when it was not delivered for so long after it was due. Left out: as the queue says.',
    }),
  ),
  dedupe_id: optional(
    text(limits.nameBytesMax, {
      description: 'Within the window of the queue a second message of this id is not taken: the answer is that of the first.',
    }),
  ),
  message_id: optional(
    text(limits.nameBytesMax, {
      description:
        'Your own name for it: travels as the header `message_id`, and is the `dedupe_id` unless that is given. It is not the id to ack.',
    }),
  ),
  headers: optional(headers),
}

const producedMessage = closed({ message, ...terms }, { title: 'ProducedMessage' })
export type ProducedMessage = Data<typeof producedMessage>

const producer = closed(
  {
    producer_id: text(limits.nameBytesMax, { description: 'Unique for each run of a program that numbers its batches.' }),
    partition: integer(0, limits.partitionsMax - 1, { description: 'To which the batch goes. Its keys must belong to it.' }),
    sequence: integer(1, Number.MAX_SAFE_INTEGER, {
      description: 'Of the batches of this producer for this partition, from 1 without a gap.',
    }),
  },
  {
    title: 'Producer',
    description: 'For clients that retry by themselves: each batch is taken once, and in order, however often it is sent.',
  },
)

export const produceRequest = closed(
  {
    queue: queueName,
    message: optional(message),
    ...terms,
    messages: optional(
      listOf(producedMessage, {
        minItems: 1,
        maxItems: limits.itemsMax,
        description: 'Many at once, instead of `message` and its fields.',
      }),
    ),
    producer: optional(producer),
  },
  { title: 'ProduceRequest' },
)
export type ProduceRequest = Data<typeof produceRequest>

/** What a service is asked: a call for one is one for a list of one. */
export interface ProduceMany {
  readonly queue: string
  readonly messages: readonly ProducedMessage[]
  readonly producer?: Data<typeof producer>
}

const taken = {
  status: literal('enqueued'),
  message_id: messageId,
}
const node = { ...nodeId, description: 'The node that led the slot of the message.', examples: ['queue-node-3'] }
const duplicate = optional(
  literal(true, { description: 'It was taken before under its `dedupe_id`, and this is the id of that one. Left out otherwise.' }),
)

export const enqueued = closed({ ...taken, queue: queueName, node, duplicate }, { title: 'Enqueued' })

const enqueuedItem = closed({ ...taken, node, duplicate }, { title: 'EnqueuedItem' })
export type EnqueuedItem = Data<typeof enqueuedItem>

export const enqueuedMany = closed(
  {
    status: outcome('enqueued'),
    queue: queueName,
    results: listOf(anyOf([enqueuedItem, refusedItem]), { maxItems: limits.itemsMax }),
  },
  { title: 'EnqueuedMany' },
)
