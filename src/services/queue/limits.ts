import { assert } from '#base/assert.ts'
import { queueLimits } from '#core/queue/limits.ts'
import { wireLimits } from '#wire/limits.ts'

/** Slots of the queue service, fixed for life; a slot's group has its number, and group 0 is the cluster's own. */
export const queueSlots = 32
/** The group that holds the catalogue of queues, behind those of the slots. */
export const catalogueGroupOf = (slots: number): number => slots + 1
export const catalogueGroup = catalogueGroupOf(queueSlots)

export const queueServiceLimits = {
  /** Of the bodies and headers in one answer; one message is always delivered. */
  answerBytesMax: 8 * 1024 * 1024,
  /** How much longer than its wait a consumer's question may last: the commit and the way back. */
  consumeGraceMs: 3_000,
  /** Entries whose messages are remembered for the consumer right behind the producer, and the largest that is. */
  entriesRemembered: 256,
  rememberedBytesMax: 256 * 1024,
  /** How often a slot is told of a queue, and the catalogue read again, before the caller is to try again later. */
  configureAttempts: 4,
  /** How old what a node remembers of a queue is when it is read anew beside its use, and before it; and how long its user waits for that at most. */
  listingFreshMs: 1_000,
  listingOldMs: 2_000,
  listingWaitMs: 250,
  /** How many are remembered: those that were used last. */
  listingsMax: 10_000,
  /** How often settings are read again that others have changed meanwhile; of many changes at once one gets through each time. */
  putAttempts: 32,
  /** Before the leader of the catalogue brings slots what they have not heard of from whoever asked for it. */
  keeperRestMs: 1_000,
  /** Of one connection of a client: calls that are not answered, and bytes of batches among them; one batch is always taken. */
  callsPerClientMax: 8_192,
  bytesPerClientMax: 32 * 1024 * 1024,
  /** How long a partition rests when nothing of a delivery could be read; doubles each time in a row, up to the last. */
  unreadableRestMs: 100,
  unreadableRestMsMax: 2_000,
  /** When the messages of an entry that cannot be read step aside: at which attempt and for how long; doubles with every further one, up to the last. */
  unreadableAttempts: 3,
  unreadableAsideMs: 1_000,
  unreadableAsideMsMax: 60_000,
  /** Entries that could not be read and are known for it. */
  unreadableRemembered: 4_096,
  /** Of the bodies and headers that one slot shows; one message is always shown. And how many are read at one time. */
  shownBytesMax: 4 * 1024 * 1024,
  shownAtOnce: 8,
  /** Queues of which the metrics of a node tell by name. */
  measuredQueuesMax: 100,
  /** Over which rates are counted. */
  rateSeconds: 10,
  /** Dead letters of a slot that are on their way to other queues at one time. */
  transfersAtOnce: 64,
  /** Before a target that refused is tried again; doubles with every refusal, up to the last. */
  transferRetryMs: 1_000,
  transferRetryMsMax: 60_000,
  /** Refused transfers of a slot whose pauses are remembered. */
  refusalsKept: 10_000,
} as const

assert(
  queueServiceLimits.answerBytesMax + queueLimits.batchMax * 2_048 <= wireLimits.messageBytesMax,
  'the largest answer can be sent, with what is around each message',
)
