import { assert } from '#base/assert.ts'

const mebibyte = 1024 * 1024

/** A limit on everything that could otherwise grow without bound. */
export const limits = {
  /** One append message; a single larger entry still goes alone. */
  appendBytesMax: mebibyte,
  appendEntriesMax: 4096,
  /** An append that asks where the logs agree, which may have to be repeated. */
  probeBytesMax: 64 * 1024,
  /** Append messages on their way to one follower. */
  inflightAppendsMax: 64,
  inflightBytesMax: 8 * mebibyte,
  /** Proposals that no majority has yet: beyond, a leader refuses (pitfall 36). */
  uncommittedBytesMax: 64 * mebibyte,
  uncommittedEntriesMax: 100_000,
  pendingReadsMax: 10_000,
  snapshotChunkBytes: 256 * 1024,
  votersMax: 9,
  learnersMax: 256,
  /** Heartbeat rounds whose sending times are remembered. */
  roundsRemembered: 64,
  /** Heartbeat intervals between two rounds of a group at rest. */
  restIntervals: 4,
  /** How often a time-out is doubled, one election after the other having come to nothing. */
  patienceDoublings: 2,
  /** Answers to heartbeats without progress after which what was sent is taken for lost: at first, and at most. */
  silentRounds: 3,
  silentRoundsMax: 32,
  /** Attempts to hand over to each voter take turns with as many election time-outs of service. */
  handOverRestTimeouts: 10,
} as const

assert(limits.appendBytesMax * 2 <= limits.inflightBytesMax, 'a follower can be kept busy')
assert(limits.probeBytesMax < limits.appendBytesMax, 'a question costs less than what it is about')
assert(limits.inflightBytesMax < limits.uncommittedBytesMax, 'one slow follower does not stop proposals')
assert(limits.snapshotChunkBytes <= limits.appendBytesMax, 'a chunk is no larger than an append')
