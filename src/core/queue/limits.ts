import { assert } from '#base/assert.ts'
import type { QueueSettings } from './types.ts'

const day = 86_400_000

/** The same on every replica: a command that is over one is refused, so none may differ within a cluster. */
export const queueLimits = {
  /** Of a queue, a consumer, a producer, an ordering key, a dedupe id or a header's name, in UTF-8. */
  nameBytesMax: 256,
  bodyBytesMax: 1_048_576,
  /** Bodies and headers of one command. */
  batchBytesMax: 8_388_608,
  /** Messages of one command, and of one answer. */
  batchMax: 1_000,
  headersMax: 64,
  headerValueBytesMax: 4_096,
  priorityMax: 9,
  /** Queues in one slot, and partitions of all of them. */
  queuesMax: 10_000,
  partitionsMax: 16_384,
  partitionsPerQueueMax: 1_024,
  /** Messages of a slot of which more is known than their place: delayed, with a key, a priority or a ttl. Leases may go beyond it. */
  touchedMax: 2_000_000,
  /** Of a slot, with messages that are not settled. */
  batchesMax: 20_000_000,
  inFlightMax: 10_000,
  /** In a slot, at one time with leases. */
  consumersMax: 60_000,
  dedupeIdsMax: 100_000,
  dedupeBytesMax: 16_777_216,
  producersMax: 10_000,
  producerIdleMs: 300_000,
  /** Of one producer; the bytes may be exceeded by one answer. */
  answersKept: 16,
  answerBytesKept: 16_384,
  durationMsMax: 366 * day,
  visibilityMsMax: day,
  maxFailuresMax: 10_000,
  maxLengthMax: 1_000_000_000,
  redriveRateMax: 1_000_000,
  /** Leases, delays and ttls that one command ends, and messages that one step of a redrive moves. */
  expiriesMax: 1_000,
  /** Messages that a page of them lists. */
  listedMax: 1_000,
} as const

export type QueueLimits = { readonly [K in keyof typeof queueLimits]: number }

assert(queueLimits.batchMax < 2 ** 12, 'the offset of a message id is enough for a batch')
assert(queueLimits.bodyBytesMax <= queueLimits.batchBytesMax, 'the largest body can be produced')
assert(queueLimits.partitionsMax < 2 ** 16 && queueLimits.consumersMax < 2 ** 16, 'a record has 16 bits for either')
assert(queueLimits.inFlightMax <= queueLimits.touchedMax, 'one partition’s leases are a part of what a slot holds')

export const catalogueLimits = {
  /** In the whole cluster, those that are being deleted included. */
  queuesMax: 100_000,
  slotsMax: 65_535,
} as const

export type CatalogueLimits = { readonly [K in keyof typeof catalogueLimits]: number }

/** What a queue has that is created by its first message. */
export const defaultSettings: QueueSettings = {
  visibilityMs: 30_000,
  maxFailures: 20,
  expiryFails: true,
  retry: { growth: 'exponential', delayMs: 1_000, maxMs: 60_000, jitterPercent: 20 },
  deadLetterQueue: null,
  maxLength: null,
  overflow: 'reject',
  ttlMs: null,
  dedupeWindowMs: 300_000,
  paused: false,
}
