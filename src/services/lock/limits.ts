import { assert } from '#base/assert.ts'
import { lockLimits } from '#core/lock/limits.ts'

/** The one slot of the lock service (decision L8); group 0 is the cluster's own. */
export const lockGroup = 1

/** Times of the lock service on a node. */
export const serviceLimits = {
  /** Within which a release without a token learns which grant it means (decision L10): clients wait for longer before they ask elsewhere. */
  releaseIndexMs: 500,
  /** Of a node's own session: the waits that are parked here outlive the node by no more than this (decision L3). */
  nodeSessionTtlMs: 5_000,
  keepAliveEveryMs: 1_000,
  /** How much longer than its time a wait may last, as machine time stands still in elections, before the log is asked to decide. */
  waitGraceMs: 3_000,
  /** For another node to answer what became of a wait; then it is asked again. */
  settlementMs: 10_000,
  /** Calls of one connection of a client that were not answered yet, and waits of it. */
  callsPerClientMax: 8_192,
  waitsPerClientMax: 65_536,
  /** Besides those, calls that keep up or give back what the client has. */
  keepingCallsPerClientMax: 8_192,
} as const

assert(serviceLimits.nodeSessionTtlMs >= lockLimits.sessionTtlMsMin, 'a node may open its session')
assert(serviceLimits.keepAliveEveryMs * 3 < serviceLimits.nodeSessionTtlMs, 'two keep-alives may be lost')
