import { assert } from '#base/assert.ts'

const hour = 3_600_000

/** The same on every replica: a command that is over one is refused, so none may differ within a cluster. */
export const lockLimits = {
  /** Of a resource, a client, a session or a node, in UTF-8. */
  nameBytesMax: 256,
  itemsMax: 64,
  resourcesMax: 2_000_000,
  waitersPerResourceMax: 10_000,
  holdersPerResourceMax: 100_000,
  /** What a client holds and waits for together. */
  locksPerClientMax: 100_000,
  waitsPerClientMax: 1_000,
  sessionsMax: 100_000,
  sessionsPerClientMax: 1_000,
  answersPerSessionMax: 4_096,
  waitMsMax: 60_000,
  ttlMsMax: 24 * hour,
  /** Decision L9: four of the default upper election time-outs. The service sees to it that it is four of the cluster's own. */
  sessionTtlMsMin: 4_000,
  lockDelayMsMax: 60_000,
  /** Sessions of one command, and leases, waits and delays that one command ends. */
  expiriesMax: 1_000,
  /** Ends of waits that nobody has asked about yet. */
  verdictsPerOwnerMax: 64,
  deadlocksKept: 64,
  hopsMax: 64,
  /** Holders in an answer. */
  listedMax: 16,
  /** By one command. */
  skippedTokensMax: 2 ** 40,
} as const

export type LockLimits = { readonly [K in keyof typeof lockLimits]: number }

assert(lockLimits.itemsMax <= lockLimits.locksPerClientMax, 'the largest request can be granted')
assert(lockLimits.hopsMax >= 2, 'the shortest cycle of two is told in full')
