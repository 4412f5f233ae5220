import { assert } from '#base/assert.ts'

export const redisLimits = {
  connectMs: 2_000,
  /** A server that has not answered for so long is given up, and the session with it: well within the lease of an owner. */
  answerMs: 1_500,
  /** How long the confirmation of a write may take. */
  confirmMs: 1_000,
  /** How many entries, and about how many bytes, one answer brings. */
  readEntriesMax: 256,
  readBytesMax: 1024 * 1024,
} as const

assert(redisLimits.confirmMs < redisLimits.answerMs, 'an unconfirmed write is told before the session is given up')
