import { timingMsMax } from './limits.ts'
import type { Timing } from './types.ts'

/**
 * Decision R4. A leader trusts its lease for `leaseMs` after a majority heard it; no voter of that majority may help elect another
 * before. Clocks run apart by at most the drift margin, so every voter must wait longer than every leader trusts, by that margin.
 */

/** The drift margin of 10 %, as a fraction: whole milliseconds stay exact. */
const marginNumerator = 11
const marginDenominator = 10

/** The values make sense by themselves. */
export function isSane(timing: Timing): boolean {
  const values = [timing.heartbeatMs, timing.electionMinMs, timing.electionMaxMs, timing.leaseMs]
  return (
    values.every((value) => Number.isSafeInteger(value) && value >= 1 && value <= timingMsMax) &&
    // One lost heartbeat does not end the lease.
    timing.heartbeatMs * 2 <= timing.leaseMs &&
    // Without spread, elections split for ever.
    timing.electionMinMs < timing.electionMaxMs &&
    isSafeMixture(timing, timing)
  )
}

/** Leases hold among nodes of which each runs one of the two. */
export function isSafeMixture(left: Timing, right: Timing): boolean {
  const waitMs = Math.min(left.electionMinMs, right.electionMinMs)
  const leaseMs = Math.max(left.leaseMs, right.leaseMs)
  return waitMs * marginDenominator >= leaseMs * marginNumerator
}

export function sameTiming(left: Timing, right: Timing): boolean {
  return (
    left.heartbeatMs === right.heartbeatMs &&
    left.electionMinMs === right.electionMinMs &&
    left.electionMaxMs === right.electionMaxMs &&
    left.leaseMs === right.leaseMs
  )
}
