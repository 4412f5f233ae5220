import { assert } from '#base/assert.ts'
import { cacheLimits } from '#core/cache/limits.ts'

export const agentHostLimits = {
  /** Between two looks at what is due: renewals, flushes, repeats. */
  tickMs: 25,
  /** Who has no session looks for the home this often. */
  lookUpMs: 200,
  /** For what is at the level `owner` to get into memory before a home in this process hands its leadership over. */
  settleMs: 500,
  /** Until the hand-over is taken for failed. */
  handOverMs: 2_000,
} as const

assert(4 * agentHostLimits.tickMs <= cacheLimits.flushMs, 'what is due is seen soon')
assert(agentHostLimits.tickMs * 4 < cacheLimits.gapMs, 'a late tick is not taken for a pause')
