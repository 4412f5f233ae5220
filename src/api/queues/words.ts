import { Type } from '#api/type.ts'
import { closed, count, instant, integer, jsonValue, literal, oneOf, optional, text } from '#api/schemas.ts'
import { queueApiLimits as limits } from './limits.ts'
import { receiptPattern } from './receipt.ts'

/** What queue requests and answers share. */

export const queueName = text(limits.nameBytesMax, {
  pattern: '^\\P{Cc}*$',
  description: 'Any text without control characters.',
  examples: ['orders'],
})
export const consumerId = text(limits.nameBytesMax, {
  description: 'Who consumes. Consumers of a queue compete: each message goes to one of them.',
  examples: ['order_processor'],
})
export const key = text(limits.nameBytesMax, {
  description: 'At most one message of a key is in flight, and they are delivered in order.',
  examples: ['customer-7'],
})
export const priority = integer(0, limits.priorityMax, { description: 'Higher first, within a partition.' })

/** Any text, as what is no id of ours is only one that nobody knows. */
export const messageId = text(limits.nameBytesMax, {
  description: 'From the answer to `POST /produce`; it says which slot holds the message.',
  examples: ['00070000-0000-802a-8000-1f2e3d4c5b6a'],
})
export const receipt = Type.String({
  pattern: receiptPattern,
  description: 'From the answer to `POST /consume`: this very delivery. Take it as it is.',
  examples: ['00070000-0000-802a-8000-1f2e3d4c5b6a.1'],
})

export const message = jsonValue({ description: 'Any JSON. It is delivered byte for byte as it was sent.', examples: ['New order #123'] })
export const headers = Type.Unsafe<Readonly<Record<string, string>>>({
  type: 'object',
  maxProperties: limits.headersMax,
  propertyNames: text(limits.nameBytesMax),
  additionalProperties: Type.String({ maxLength: limits.headerValueBytesMax, 'x-bytes-max': limits.headerValueBytesMax }),
  description: 'Names and texts that travel with the message.',
})

export const enqueuedAt = instant({ description: 'When it was enqueued, by the clock of the leader.' })
export const deadReason = oneOf(['failures', 'rejected'])

/** What became of a call for many. */
export const outcome = <const Done extends string>(done: Done): ReturnType<typeof oneOf<readonly [Done, 'partial', 'refused']>> =>
  oneOf([done, 'partial', 'refused'], { description: `\`${done}\`: all of them; \`refused\`: none; \`results\` has each, in order.` })

/** How one of many failed: the fields of every error, without the details of its code. */
export const itemError = closed(
  {
    code: Type.String({ description: 'As of the error of a call for one.', examples: ['queue_full'] }),
    message: Type.String({ description: 'For people; may change.' }),
    retryable: Type.Boolean(),
    retry_after_ms: optional(count()),
  },
  { title: 'ItemError' },
)

export const refusedItem = closed({ status: literal('refused'), error: itemError }, { title: 'RefusedItem' })
