import { assert } from '#base/assert.ts'
import { lockLimits } from '#core/lock/limits.ts'

/** Times and bounds of a client; `connect` takes others for some of them. */
export const sdkLimits = {
  /** For a call to be answered; what it may wait comes on top. */
  timeoutMs: 5_000,
  sessionTtlMs: 10_000,
  /** Clocks of client and leader may run apart by so much of a lease. */
  driftShare: 0.1,
  /** For a timer to fire and a listener to act. */
  leaseMarginMs: 50,
  /** Two keep-alives may be lost. */
  keepAlivesPerTtl: 3,
  /** Longer than an election: who has not answered a keep-alive by then is left for another; half their interval at most. */
  patienceMs: 1_500,
  /** Keep-alives that a node knows no answer to before another one is asked. */
  doubtsMax: 2,
  /** Commands under way; what comes on top waits here. */
  inFlightMax: 4_096,
  /** Under way, waiting for a lock, or waiting here: beyond, a call fails as overloaded. */
  callsMax: 200_000,
  /** Locks that are listed at once. */
  pageMax: 1_000,
  /** Before what a node could not do is asked for again: at least, and at most. */
  restMsMin: 10,
  restMsMax: 60,
  /** Before what a node had too much to do for is asked for again: at most, doubling up to the last. */
  backOffMs: 100,
  backOffMsMax: 2_000,
  /** A refusal costs one, a call that is done earns so much of one; half of them may be spent. */
  retryTokens: 100,
  retryTokensPerCall: 0.1,
  /**
   * Machine time stands still in elections, so a wait may end so much later than told before the log is asked; and no later than after that
   * share of the time for an answer, for what the log says has to be in time too.
   */
  waitGraceMs: 3_000,
  waitGraceShare: 0.6,
  /** Longer waits are ended by the client. */
  commandWaitMsMax: lockLimits.waitMsMax,
  /** Sessions that are kept for the next lock, and for how long. */
  idleSessionsMax: 512,
  idleMs: 30_000,
  /** Before a leader that could not be reached is tried again. */
  followMs: 1_000,
  /** For sessions to be closed when the client is. */
  farewellMs: 1_000,
} as const

assert(sdkLimits.sessionTtlMs >= lockLimits.sessionTtlMsMin, 'a session may be opened')
