import { anyOf, closed, durationMs, instant, listOf, literal, nullable, oneOf, optional } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { queueApiLimits as limits, queueDefaults } from './limits.ts'
import type { MessageRef } from './receipt.ts'
import { messageId, outcome, receipt, refusedItem } from './words.ts'

/** `POST /ack`, `/nack`, `/extend` and `/cancel`: what becomes of single messages. Each takes one, or a list. */

const messageIds = optional(listOf(messageId, { minItems: 1, maxItems: limits.itemsMax, description: 'Many, by id alone.' }))

/** One of `message_id`, `receipt`, `message_ids` and `receipts`, or the first two together. */
const which = {
  message_id: optional(messageId),
  receipt: optional(receipt),
  message_ids: messageIds,
  receipts: optional(listOf(receipt, { minItems: 1, maxItems: limits.itemsMax, description: 'Many, by receipt.' })),
}

/** How one of a list went, with which message was meant. */
const refusedMessage = closed({ ...refusedItem.properties, message_id: messageId }, { title: 'RefusedMessage' })

export const ackRequest = closed(which, { title: 'AckRequest' })
export type AckRequest = Data<typeof ackRequest>

export const acknowledged = closed({ status: literal('acknowledged') }, { title: 'Acknowledged' })

const acknowledgedItem = closed({ status: literal('acknowledged'), message_id: messageId }, { title: 'AcknowledgedItem' })
export type Acknowledged = Data<typeof acknowledgedItem>
export const acknowledgedMany = closed(
  { status: outcome('acknowledged'), results: listOf(anyOf([acknowledgedItem, refusedMessage]), { maxItems: limits.itemsMax }) },
  { title: 'AcknowledgedMany' },
)

export const nackRequest = closed(
  {
    ...which,
    kind: optional(
      oneOf(['release', 'fail', 'reject'], {
        default: queueDefaults.nack_kind,
        description: '`release` has no penalty; `fail` counts, and what failed too often is dead; `reject` makes it dead at once.',
      }),
    ),
    delay_ms: optional(
      durationMs(0, limits.durationMsMax, {
        description: 'Deliver it again so much later. Left out: `release` at once, `fail` as the queue retries. Not with `reject`.',
      }),
    ),
  },
  { title: 'NackRequest' },
)
export type NackRequest = Data<typeof nackRequest>

/** `acknowledged`: it was settled meanwhile by an ack from an earlier delivery, and is gone. */
const gone = 'acknowledged'
const goneWords = '`acknowledged`: an ack without a receipt had settled it already.'

export const returned = closed(
  { status: oneOf(['returned', 'dead', gone], { description: goneWords }), message_id: messageId },
  { title: 'Returned' },
)
export type Returned = Data<typeof returned>
export const returnedMany = closed(
  { status: outcome('returned'), results: listOf(anyOf([returned, refusedMessage]), { maxItems: limits.itemsMax }) },
  { title: 'ReturnedMany' },
)

export const extendMessageRequest = closed(
  {
    ...which,
    visibility_ms: durationMs(0, limits.visibilityMsMax, { description: 'From now on. 0 returns it at once.' }),
  },
  { title: 'ExtendMessageRequest' },
)

export const visibilityExtended = closed(
  {
    status: oneOf(['extended', 'returned', gone], { description: goneWords }),
    message_id: messageId,
    visible_until: nullable(instant({ description: 'By the clock of the leader: for people. Null when it is leased no more.' })),
  },
  { title: 'VisibilityExtended' },
)
export type VisibilityExtended = Data<typeof visibilityExtended>
export const visibilityExtendedMany = closed(
  { status: outcome('extended'), results: listOf(anyOf([visibilityExtended, refusedMessage]), { maxItems: limits.itemsMax }) },
  { title: 'VisibilityExtendedMany' },
)

export const cancelRequest = closed({ message_id: optional(messageId), message_ids: messageIds }, { title: 'CancelRequest' })
export type CancelRequest = Data<typeof cancelRequest>

export const cancelled = closed({ status: literal('cancelled'), message_id: messageId }, { title: 'Cancelled' })
export type Cancelled = Data<typeof cancelled>
export const cancelledMany = closed(
  { status: outcome('cancelled'), results: listOf(anyOf([cancelled, refusedMessage]), { maxItems: limits.itemsMax }) },
  { title: 'CancelledMany' },
)

/** What a service is asked: a call for one is one for a list of one. */
export interface AckMany {
  readonly refs: readonly MessageRef[]
}

export interface NackMany {
  readonly refs: readonly MessageRef[]
  readonly kind: 'release' | 'fail' | 'reject'
  /** Null: `release` at once, `fail` as the queue retries. */
  readonly delay_ms: number | null
}

export interface ExtendMany {
  readonly refs: readonly MessageRef[]
  readonly visibility_ms: number
}

export interface CancelMany {
  readonly message_ids: readonly string[]
}
