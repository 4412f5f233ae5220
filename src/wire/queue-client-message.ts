import type { Place } from './client-message.ts'

/**
 * What a client of the queues and a node say to each other, on a connection of their own that carries many calls at once.
 *
 * A client numbers its calls, and may make one again, here or with any other node: a batch is taken once under the number of its producer
 * (decision Q6), and a receipt settles its delivery once. Nothing is remembered about a connection that is gone, but that who waited there
 * for messages is to be delivered none (decision Q10).
 */
export type QueueClientMessage =
  /** How a queue is spread. `create`: with defaults, if there is none; `fresh`: what was said before turned out to be old. */
  | { readonly type: 'locate'; readonly call: number; readonly queue: string; readonly create: boolean; readonly fresh: boolean }
  | {
      readonly type: 'produce'
      readonly call: number
      readonly queue: string
      readonly producer: ProducerBatch
      readonly messages: readonly SentMessage[]
    }
  | {
      readonly type: 'consume'
      readonly call: number
      readonly queue: string
      readonly consumer: string
      readonly max: number
      readonly waitMs: number
      readonly visibilityMs: number
    }
  /** Ends the wait of a consume, which is answered with what is then true. */
  | { readonly type: 'leave'; readonly call: number }
  | { readonly type: 'ack'; readonly call: number; readonly receipts: readonly string[] }
  | {
      readonly type: 'nack'
      readonly call: number
      readonly receipts: readonly string[]
      readonly kind: 'release' | 'fail' | 'reject'
      /** Null: `release` at once, `fail` as the queue retries. */
      readonly delayMs: number | null
    }
  | { readonly type: 'extend'; readonly call: number; readonly receipts: readonly string[]; readonly visibilityMs: number }
  | { readonly type: 'manage'; readonly call: number; readonly order: QueueOrder }
  | { readonly type: 'look'; readonly call: number; readonly question: QueueLook }

/** Which batch of a producer this is for this partition, from 1 and without a gap. */
export interface ProducerBatch {
  readonly id: string
  readonly partition: number
  readonly sequence: number
}

export interface SentMessage {
  readonly key: string | null
  /** 0–9, higher first. */
  readonly priority: number
  readonly delayMs: number
  /** Instead of a delay: milliseconds since 1970, by the clock of the leader. */
  readonly deliverAt: number | null
  readonly ttlMs: number | null
  readonly dedupeId: string | null
  readonly headers: readonly MessageHeader[]
  /** JSON. */
  readonly body: Uint8Array
}

export interface MessageHeader {
  readonly name: string
  readonly value: string
}

/** What befalls whole queues. Answered with a view. */
export type QueueOrder =
  | {
      readonly type: 'put'
      readonly queue: string
      readonly partitions: number | null
      readonly ifRevision: number | null
      readonly change: SettingsChange
    }
  | { readonly type: 'delete'; readonly queue: string }
  | { readonly type: 'purge'; readonly queue: string; readonly dead: boolean }
  | {
      readonly type: 'redrive'
      readonly queue: string
      readonly from: 'dead' | 'ready'
      readonly rate: number | null
      readonly max: number | null
    }
  | { readonly type: 'cancel-redrive'; readonly queue: string }

/** Null is left as it is. A limit of `null` is given as a list, which is empty for none. */
export interface SettingsChange {
  readonly visibilityMs: number | null
  readonly maxFailures: number | null
  readonly expiryFails: boolean | null
  readonly growth: 'fixed' | 'exponential' | null
  readonly delayMs: number | null
  readonly maxMs: number | null
  readonly jitterPercent: number | null
  readonly deadLetterQueue: readonly string[] | null
  readonly maxLength: readonly number[] | null
  readonly overflow: 'reject' | 'drop-head' | null
  readonly ttlMs: readonly number[] | null
  readonly dedupeWindowMs: number | null
  readonly paused: boolean | null
}

/** Answered with a view, but for messages. */
export type QueueLook =
  | { readonly type: 'queue'; readonly queue: string }
  | { readonly type: 'queues'; readonly prefix: string; readonly after: string | null; readonly limit: number }
  | {
      readonly type: 'messages'
      readonly queue: string
      readonly which: 'ready' | 'in-flight' | 'dead' | 'scheduled'
      readonly after: string | null
      readonly limit: number
    }

export type QueueServerMessage =
  | { readonly type: 'located'; readonly call: number; readonly partitions: number; readonly slots: number; readonly visibilityMs: number }
  /** In the order of the messages. */
  | { readonly type: 'produced'; readonly call: number; readonly results: readonly ProducedItem[] }
  | { readonly type: 'delivered'; readonly call: number; readonly paused: boolean; readonly messages: readonly DeliveredMessage[] }
  /** In the order of the receipts. */
  | { readonly type: 'settled'; readonly call: number; readonly results: readonly SettledItem[] }
  /** JSON, as the HTTP API has it. */
  | { readonly type: 'view'; readonly call: number; readonly view: Uint8Array }
  | { readonly type: 'messages'; readonly call: number; readonly messages: readonly SeenMessage[]; readonly next: string | null }
  /** The code is one of the registry of the API: nothing was carried out, but for `unknown`. */
  | {
      readonly type: 'failed'
      readonly call: number
      readonly code: string
      readonly message: string
      readonly retryAfterMs: number | null
    }
  /** Who leads these slots now; all of them first, then those that change. */
  | { readonly type: 'leaders'; readonly leaders: readonly SlotLeader[]; readonly members: readonly Place[] }
  /** This node is about to stop: another one will serve. */
  | { readonly type: 'going' }

export interface SlotLeader {
  readonly slot: number
  /** Null when nobody is known to lead it. */
  readonly node: string | null
}

/** `duplicate`: it was taken before under its dedupe id, and this is the id of that one. */
export type ProducedItem =
  | { readonly type: 'enqueued'; readonly id: string; readonly duplicate: boolean }
  | { readonly type: 'refused'; readonly code: string; readonly message: string }

export type SettledItem =
  | { readonly type: 'done'; readonly status: 'acknowledged' | 'returned' | 'dead' | 'extended' }
  | { readonly type: 'refused'; readonly code: string; readonly message: string }

export interface DeliveredMessage {
  readonly id: string
  /** How often it was delivered; also the number of this lease. */
  readonly deliveries: number
  readonly failures: number
  /** ISO 8601, by the clock of the leader. */
  readonly enqueuedAt: string
  readonly priority: number
  readonly key: string | null
  readonly headers: readonly MessageHeader[]
  readonly deadLetter: DeadLetterSource | null
  readonly body: Uint8Array
}

/** Where a dead letter comes from. */
export interface DeadLetterSource {
  readonly queue: string
  readonly id: string
  readonly reason: 'failures' | 'rejected'
  readonly deliveries: number
  readonly failures: number
}

/** A message that is looked at, and not delivered. */
export interface SeenMessage {
  readonly id: string
  readonly partition: number
  readonly deliveries: number
  readonly failures: number
  readonly enqueuedAt: string
  readonly priority: number
  readonly key: string | null
  readonly headers: readonly MessageHeader[]
  /** Who has it, while it is in flight. */
  readonly consumer: string | null
  /** Until when it is in flight, or when it is due. */
  readonly until: string | null
  /** Its body could not be read, and stands here as `null`. */
  readonly unreadable: boolean
  readonly body: Uint8Array
}
