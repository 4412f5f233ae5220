import { assert } from '#base/assert.ts'
import { queueLimits } from '#core/queue/limits.ts'
import { wireLimits } from './limits.ts'

/** A limit on everything that a client of the queues may send, besides those of the queues themselves. */
export const queueClientLimits = {
  waitMsMax: 60_000,
  /** Of one list of queues. */
  pageMax: 1_000,
  /** Of one list of messages. */
  messagesPageMax: 100,
  receiptBytesMax: 64,
  placeBytesMax: 128,
  slotsMax: 65_536,
  /** Bodies of one batch that the library sends at once: what is smaller arrives sooner. */
  batchBytes: 1_048_576,
} as const

assert(wireLimits.messageBytesMax >= queueLimits.batchBytesMax + queueLimits.batchMax * 1_024, 'the largest batch fits a message')
assert(queueClientLimits.batchBytes >= queueLimits.bodyBytesMax, 'the largest body fits a batch')
