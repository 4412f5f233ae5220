import type { Brand, Millis, WallMillis } from '#base/brand.ts'

/**
 * The vocabulary of the queue machine: what may be asked of it, what it answers, and what it reports. All of it is plain data.
 *
 * One machine holds the partitions of many queues that lie in one slot. A *message* is a place in the log, (index, offset), where offsets count
 * through all commands of the entry: its body stays there and is never in the machine (`messagesOf`). The messages of one command are a *batch*. A *lease* is one delivery of it.
 *
 * ```
 *   scheduled ──due──► ready ──consume──► leased ──ack──► (gone)
 *       ▲                ▲                  │
 *       └─ retry later ──┴─ release, fail ──┤
 *                                           └─ failed too often, reject ──► dead ──► moving ──forwarded──► (gone)
 * ```
 *
 * Obstacles, and what answers them:
 * - A late command must not meet another message under the same place: an id has a check that depends on the entry (decision Q5).
 * - A producer may not know what became of its call: it numbers its batches, and each is taken once and in order (decision Q6).
 * - An ack may come from a lease that is over: it settles the message, and the key stays closed for the newest lease (decision Q7).
 * - A queue may be deleted and made again: whatever is asked names its generation (decision Q9).
 */

export type QueueName = Brand<string, 'QueueName'>
/** Given out by the catalogue and never again: it alone says which queue is meant, and of which life (decision Q9). */
export type Generation = Brand<number, 'Generation'>
export type ConsumerId = Brand<string, 'ConsumerId'>
export type ProducerId = Brand<string, 'ProducerId'>

export const queueName = (value: string): QueueName => value as QueueName
export const generation = (value: number): Generation => value as Generation
export const consumerId = (value: string): ConsumerId => value as ConsumerId
export const producerId = (value: string): ProducerId => value as ProducerId

/** Where and when a command is in the log: several of one entry are carried out in their order, with nothing in between. */
export interface QueueContext {
  readonly index: number
  readonly term: number
  /** Machine time: every length of time is measured in it. */
  readonly time: Millis
  /** The leader's clock when it made the entry: compared with absolute instants only (decision R5). */
  readonly wall: WallMillis
}

/** Decision Q5: where the message is, and 46 bits that only this very entry has. */
export interface MessageId {
  readonly slot: number
  readonly index: number
  readonly offset: number
  readonly check: number
}

export interface PartitionRef {
  readonly generation: Generation
  readonly partition: number
}

/** How long a message waits that came back by `fail`; the jitter takes up to so many percent off, fixed for each message and failure. */
export interface RetryPolicy {
  readonly growth: 'fixed' | 'exponential'
  readonly delayMs: number
  readonly maxMs: number
  readonly jitterPercent: number
}

export interface QueueSettings {
  readonly visibilityMs: number
  /** A message that has failed so often is dead; 0: never. */
  readonly maxFailures: number
  /** Whether a lease that runs out counts as a failure. */
  readonly expiryFails: boolean
  readonly retry: RetryPolicy
  /** Null: the dead stay where they are. */
  readonly deadLetterQueue: QueueName | null
  /** Of each partition, all but the dead; null: as many as the slot holds. */
  readonly maxLength: number | null
  readonly overflow: 'reject' | 'drop-head'
  /** For messages that do not say; null: for ever. */
  readonly ttlMs: number | null
  /** 0: no window. */
  readonly dedupeWindowMs: number
  /** Nothing is delivered. */
  readonly paused: boolean
}

/** What a slot has to know of a queue. */
export interface QueueDefinition {
  readonly name: QueueName
  readonly generation: Generation
  /** Fixed at creation (decision Q8). */
  readonly partitions: number
  readonly settings: QueueSettings
  /** The version of the catalogue at which the settings were last changed. */
  readonly revision: number
}

export type Delay =
  | { readonly type: 'none' }
  | { readonly type: 'after'; readonly ms: number }
  /** By the leader's wall clock, so that no downtime makes it late. */
  | { readonly type: 'at'; readonly instant: WallMillis }

export type DeadReason = 'failures' | 'rejected'

/** Where a dead letter comes from. */
export interface Source {
  readonly queue: QueueName
  readonly id: MessageId
  readonly reason: DeadReason
  readonly delivered: number
  readonly failed: number
}

export interface Header {
  readonly name: string
  readonly value: string
}

export interface Message {
  /** At most one message of a key is in flight. */
  readonly key: string | null
  /** 0–9, higher first. */
  readonly priority: number
  readonly delay: Delay
  /** Counts from when the message is first due. */
  readonly ttlMs: number | null
  readonly dedupeId: string | null
  readonly headers: readonly Header[]
  readonly source: Source | null
  readonly body: Uint8Array
}

/** Which batch of a producer this is for this partition, from 1 and without a gap (decision Q6). */
export interface ProducerRef {
  readonly id: ProducerId
  readonly sequence: number
}

/** Opens a queue in this slot, or changes its settings. */
export interface Configure {
  readonly type: 'configure'
  readonly queue: QueueDefinition
  /** The version of the catalogue in which `queue` was read. */
  readonly catalogueVersion: number
}

export interface DeleteQueue {
  readonly type: 'delete-queue'
  readonly generation: Generation
  /** The version of the catalogue from which on the queue is being deleted. */
  readonly catalogueVersion: number
}

/** Taken or refused message by message, in order. */
export interface Produce {
  readonly type: 'produce'
  readonly queue: PartitionRef
  readonly producer: ProducerRef | null
  readonly messages: readonly Message[]
}

export interface Consume {
  readonly type: 'consume'
  readonly queue: PartitionRef
  readonly consumer: ConsumerId
  readonly max: number
  /** Of bodies; each counts as the largest of its batch. One message is always delivered. */
  readonly bytesMax: number
  /** Null: as the queue says. */
  readonly visibilityMs: number | null
}

/** A message, and the number of the lease under which it was delivered; null from who has no receipt. */
export interface Receipt {
  readonly id: MessageId
  readonly lease: number | null
}

export interface Ack {
  readonly type: 'ack'
  readonly receipts: readonly Receipt[]
}

/** `release` has no penalty, `fail` counts, `reject` makes the message dead at once. */
export type NackKind =
  | { readonly type: 'release'; readonly delayMs: number }
  /** Null: as the queue's retry policy says. */
  | { readonly type: 'fail'; readonly delayMs: number | null }
  | { readonly type: 'reject' }

export interface Nack {
  readonly type: 'nack'
  readonly receipts: readonly Receipt[]
  readonly kind: NackKind
}

/** From now on; 0 releases at once. */
export interface Extend {
  readonly type: 'extend'
  readonly receipts: readonly Receipt[]
  readonly visibilityMs: number
}

/** Puts dead letters back (`dead`, those on their way included), or sends what is ready back to the queues it came from (`ready`). */
export interface Redrive {
  readonly type: 'redrive'
  readonly queue: PartitionRef
  readonly from: 'dead' | 'ready'
  /** Messages per second; null: as fast as it goes. */
  readonly rate: number | null
  /** Null: all that are there when it begins. */
  readonly max: number | null
}

export type QueueCommand =
  | Configure
  | DeleteQueue
  | Produce
  | Consume
  | Ack
  | Nack
  | Extend
  /** Takes out messages that are not due yet. */
  | { readonly type: 'cancel'; readonly ids: readonly MessageId[] }
  /** The connection of a consumer is gone: what it has is released without penalty (decision Q10). */
  | { readonly type: 'release-consumer'; readonly consumer: ConsumerId }
  /** The dead go too when `dead` says so; the window of dedupe ids is cleared. */
  | { readonly type: 'purge'; readonly queue: PartitionRef; readonly dead: boolean }
  | Redrive
  | { readonly type: 'cancel-redrive'; readonly queue: PartitionRef }
  /** The target has them, durably. */
  | { readonly type: 'forwarded'; readonly ids: readonly MessageId[] }
  /** The target does not take them; again after so long (decision Q11). */
  | { readonly type: 'postpone'; readonly ids: readonly MessageId[]; readonly delayMs: number }
  /** They were to be sent back and came from nowhere: ready again. */
  | { readonly type: 'return'; readonly ids: readonly MessageId[] }
  /** Ends every lease, delay and ttl that is over. Every other command does that first as well. */
  | { readonly type: 'expire-due' }

export type ProduceResult =
  /** Under the first id, with an offset that is by its place in the batch larger. */
  | { readonly type: 'enqueued' }
  /** The window holds its dedupe id: this is the first message's id. */
  | { readonly type: 'duplicate'; readonly id: MessageId }
  /** `entry_full`: its log entry has more messages than ids can tell apart, so it should be sent again. */
  | { readonly type: 'refused'; readonly code: 'queue_full' | 'dedupe_full' | 'slot_full' | 'entry_full' }

export interface Produced {
  readonly type: 'produced'
  /** Of the first message; the offset of the others is by their place in the batch larger. */
  readonly first: MessageId
  readonly results: readonly ProduceResult[]
}

export interface Delivery {
  readonly id: MessageId
  /** The number of this lease: how often the message was delivered. */
  readonly lease: number
  readonly failed: number
  readonly enqueuedAt: WallMillis
}

/** What became of one message of an `ack`, `nack`, `extend`, `cancel`, `forwarded`, `postpone` or `return`. */
export type ItemResult =
  | 'acknowledged'
  /** Ready, or scheduled to be. */
  | 'returned'
  | 'dead'
  | 'extended'
  | 'cancelled'
  | 'forwarded'
  | 'postponed'
  | 'unknown_message'
  /** It is leased to somebody else by now, or to nobody. */
  | 'stale_receipt'
  | 'not_delivered'
  /** Due by now, or delivered before. */
  | 'not_scheduled'
  /** Nobody asked for it to be moved (any more). */
  | 'not_moving'

export interface Refused {
  readonly type: 'refused'
  readonly code: RefusalCode
  /** Which field is wrong, or which bytes; for `out_of_sequence` the sequence that is expected. */
  readonly detail: string
}

export type QueueAnswer =
  | { readonly type: 'configured'; readonly generation: Generation; readonly revision: number }
  | { readonly type: 'deleted'; readonly generation: Generation }
  | Produced
  | { readonly type: 'delivered'; readonly messages: readonly Delivery[]; readonly visibleUntil: WallMillis }
  /** One result for each message asked about, in order; until when what was extended is leased. */
  | { readonly type: 'results'; readonly results: readonly ItemResult[]; readonly visibleUntil: WallMillis | null }
  | { readonly type: 'released'; readonly count: number; readonly more: boolean }
  | { readonly type: 'purged'; readonly count: number }
  /** How many it has moved so far, and moves at most; not active any more when it is done. */
  | { readonly type: 'redrive'; readonly moved: number; readonly max: number; readonly active: boolean }
  /** How much was ended; `more` when a limit left some for the next command. */
  | { readonly type: 'expired'; readonly count: number; readonly more: boolean }
  | Refused

/** Stable: clients act on them. */
export type RefusalCode =
  | 'malformed'
  | 'invalid'
  /** This slot has to be told of the queue first. */
  | 'unknown_queue'
  /** Read from a catalogue that did not know of a later deletion: read it again. */
  | 'stale_catalogue'
  | 'queue_paused'
  | 'in_flight_full'
  | 'out_of_sequence'
  /** It was carried out, but its answer is kept no more. */
  | 'already_answered'
  /** Forgotten after it was idle: what became of its calls is unknown for good. */
  | 'unknown_producer'
  | 'too_many_producers'
  | 'too_many_queues'
  | 'too_many_partitions'
  | 'too_many_consumers'
  | 'redrive_active'
  | 'no_redrive'

/** How the messages of one partition went in one entry. Fields that are 0 are there too. */
export interface PartitionChange {
  readonly type: 'changed'
  readonly queue: PartitionRef
  readonly enqueued: number
  readonly delivered: number
  readonly acknowledged: number
  /** Released, failed, or their leases ran out. */
  readonly returned: number
  readonly failed: number
  readonly dead: number
  readonly forwarded: number
  /** Their ttl was over. */
  readonly expired: number
  /** By a length limit, a cancellation or a purge. */
  readonly dropped: number
  /** Became deliverable: consumers that are parked may ask. */
  readonly available: number
  /** Settled before, and now their places in flight are free: consumers that were parked for want of one may ask. */
  readonly freed: number
}

/** What an entry brought about, besides its answer; the same on every replica. */
export type QueueEvent =
  | PartitionChange
  /** Something waits to be moved to another queue. */
  | { readonly type: 'transfers-due' }
  | { readonly type: 'queue-configured'; readonly generation: Generation }
  | { readonly type: 'queue-deleted'; readonly generation: Generation }
  | { readonly type: 'redrive-ended'; readonly queue: PartitionRef; readonly moved: number }

export interface Applied {
  readonly answer: QueueAnswer
  readonly events: readonly QueueEvent[]
}

/** Both ends belong to it. */
export interface IndexRange {
  readonly from: number
  readonly to: number
}

/** When `expire-due` has something to do: by machine time, and by the wall clock for what was scheduled at an instant. */
export interface NextDeadline {
  readonly time: Millis | null
  readonly wall: WallMillis | null
}
