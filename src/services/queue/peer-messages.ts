import { readAll } from '#base/codec/byte-reader.ts'
import { ByteWriter } from '#base/codec/byte-writer.ts'
import type { Schema } from '#base/codec/schema.ts'
import { bytes, encodeWith, list, nullable, struct, text, time, uint, union, word } from '#base/codec/schema.ts'
import type { WallMillis } from '#base/brand.ts'
import { queueLimits } from '#core/queue/limits.ts'
import { id, message } from '#core/queue/message-codec.ts'
import type { ConsumerId, Message, MessageId, PartitionRef } from '#core/queue/types.ts'
import type { LogIndex } from '#core/raft/types.ts'
import { queueServiceLimits as limits } from './limits.ts'

/** What the queue service on one node asks that on the node which leads a slot. */
export type PeerQuestion =
  /** Answered when there is something, or the wait is over. */
  | Consume
  /** Whoever waited under this ticket does not any more: nothing is to be leased to it. */
  | { readonly type: 'leave'; readonly ticket: string }
  /** To any node with a replica: the commands of a log entry whose messages the asker does not have. */
  | { readonly type: 'entry'; readonly index: LogIndex }
  /** About what is in the slot, as JSON. */
  | { readonly type: 'look'; readonly question: Uint8Array }

export interface Consume {
  readonly type: 'consume'
  /** Names this question among all of all nodes. */
  readonly ticket: string
  readonly queue: PartitionRef
  readonly consumer: ConsumerId
  readonly max: number
  readonly visibilityMs: number | null
  readonly waitMs: number
}

export type PeerAnswer =
  | { readonly type: 'delivered'; readonly messages: readonly Delivered[]; readonly visibleUntil: WallMillis }
  | { readonly type: 'empty' }
  /** The slot does not know the queue of this generation: not yet, or not any more. */
  | { readonly type: 'gone' }
  | { readonly type: 'refused'; readonly code: 'too_many_consumers' | 'in_flight_full' | 'invalid' }
  /** Left, as was asked. */
  | { readonly type: 'left' }
  | { readonly type: 'elsewhere'; readonly leader: string | null }
  | { readonly type: 'view'; readonly view: Uint8Array }
  /** Null: it is not there either. */
  | { readonly type: 'entry'; readonly command: Uint8Array | null }

/** A message with what a consumer is told of it. */
export interface Delivered {
  readonly id: MessageId
  readonly lease: number
  readonly failed: number
  readonly enqueuedAt: WallMillis
  readonly message: Message
}

const name = <T extends string>(): Schema<T> => text<T>(queueLimits.nameBytesMax)
const queue = struct<PartitionRef>({ generation: uint(), partition: uint() })

const question = union<PeerQuestion>({
  consume: [1, { ticket: name(), queue, consumer: name(), max: uint(), visibilityMs: nullable(uint()), waitMs: uint() }],
  leave: [2, { ticket: name() }],
  look: [3, { question: bytes(limits.answerBytesMax) }],
  entry: [4, { index: uint<LogIndex>() }],
})

const delivered = struct<Delivered>({ id, lease: uint(), failed: uint(), enqueuedAt: time(), message })

const answer = union<PeerAnswer>({
  delivered: [1, { messages: list(delivered, queueLimits.batchMax), visibleUntil: time() }],
  empty: [2, {}],
  gone: [3, {}],
  refused: [4, { code: word({ too_many_consumers: 0, in_flight_full: 1, invalid: 2 }) }],
  left: [5, {}],
  elsewhere: [6, { leader: nullable(name()) }],
  view: [7, { view: bytes(4 * limits.answerBytesMax) }],
  entry: [8, { command: nullable(bytes(2 * limits.answerBytesMax)) }],
})

const writer = new ByteWriter(64 * 1024)

export const encodePeerQuestion = (value: PeerQuestion): Uint8Array => encodeWith(writer, question, value)

export function decodePeerQuestion(encoded: Uint8Array): PeerQuestion | null {
  const decoded = readAll(encoded, (reader) => question.read(reader))
  return decoded.ok ? decoded.value : null
}

export const encodePeerAnswer = (value: PeerAnswer): Uint8Array => encodeWith(writer, answer, value)

export function decodePeerAnswer(encoded: Uint8Array): PeerAnswer | null {
  const decoded = readAll(encoded, (reader) => answer.read(reader))
  return decoded.ok ? decoded.value : null
}
