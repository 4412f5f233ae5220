import { assert } from '#base/assert.ts'

const mebibyte = 1024 * 1024

export const redisEngineLimits = {
  /** How often a member says that it is there, and looks at who owns what. */
  beatMs: 500,
  /** How long an owner trusts a confirmed beat, from when it was sent. */
  leaseMs: 2_000,
  /** How long a successor waits after it has last seen a beat: a lease on a clock that runs a tenth slower. */
  overdueMs: 2_200,
  /** A member that was silent for so long is not listed any more. */
  forgetMs: 60_000,
  /** What one append holds at most, but for a single proposal that is larger: Redis does nothing else meanwhile. */
  batchEntriesMax: 512,
  batchBytesMax: mebibyte,
  /** What an owner remembers of its log, to append it again should Redis lose it. */
  recentBytesMax: 4 * mebibyte,
  /** What waits to be appended to one slot; beyond, proposals are refused as `overloaded`. */
  waitingMax: 10_000,
  waitingBytesMax: 16 * mebibyte,
  /** How long a node that stops waits for its slots to be handed over. */
  leaveMs: 2_000,
} as const

assert(redisEngineLimits.beatMs * 3 < redisEngineLimits.leaseMs, 'a beat may get lost and the lease goes on')
assert(redisEngineLimits.leaseMs * 1.1 <= redisEngineLimits.overdueMs, 'a successor waits out the lease')
