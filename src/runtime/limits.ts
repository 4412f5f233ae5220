import { assert } from '#base/assert.ts'
import { wireLimits } from '#wire/limits.ts'

const mebibyte = 1024 * 1024

/** Limits and defaults of the runtime; those that must agree in a whole cluster are in its formation instead. */
export const runtimeLimits = {
  answers: { originsMax: 100_000, answersPerOriginMax: 10_000, idleMs: 60_000 },
  commandBytesMax: 8 * mebibyte,
  /** Work that waits for a turn; beyond, proposals of others are refused as `overloaded`. */
  inboxMax: 100_000,
  openProposalsMax: 100_000,
  openRequestsMax: 100_000,
  openReadsMax: 100_000,
  /** Commands that share an entry of the log; a larger one has it for itself. */
  parcelBytesMax: 256 * 1024,
  parcelCommandsMax: 256,
  /** How long a node uses an origin for its commands before it opens a fresh one: well under `answers.idleMs`. */
  originUseMs: 20_000,
  /** How long a node waits for an answer of another before it asks again, perhaps elsewhere. */
  proposeTimeoutMs: 2_000,
  readTimeoutMs: 1_000,
  /** A snapshot that was not read for so long is no longer kept for its reader. */
  snapshotPinMs: 10_000,
  snapshotChunkBytes: 256 * 1024,
  /** Pieces of a snapshot are pulled for at most so many bytes per turn. */
  snapshotBytesPerTurn: mebibyte,
  /** Entries that stay in memory behind a snapshot take no more than this, however many of them may. */
  keepBytesMax: 4 * mebibyte,
  /** What an entry takes of memory besides the bytes in it, about. */
  entryOverheadBytes: 512,
  /** One answer with bodies for a replica that receives a snapshot; a single larger one goes alone. */
  bodiesBytesMax: 256 * 1024,
  bodiesEntriesMax: 1_024,
  /** Read from the store at a time, for such an answer. */
  bodiesReadsMax: 32,
  bodiesTimeoutMs: 2_000,
  /** Before somebody else is asked for them. */
  bodiesRestMs: 100,
  /** So many questions without an answer are told to people. */
  bodiesWarnEvery: 10,
  /** Who waits for seconds does not mind so much more; it bounds how often everybody's deadline is looked at. */
  deadlineStepMs: 10,
} as const

assert(runtimeLimits.originUseMs * 2 < runtimeLimits.answers.idleMs, 'an origin in use does not run out')
assert(runtimeLimits.commandBytesMax + 1024 < wireLimits.messageBytesMax, 'what is proposed can be sent')
assert(runtimeLimits.bodiesEntriesMax <= wireLimits.entriesMax, 'an answer with bodies can be sent')
assert(runtimeLimits.bodiesBytesMax + runtimeLimits.commandBytesMax < wireLimits.messageBytesMax, 'also one that ends with the largest')
assert(runtimeLimits.snapshotBytesPerTurn >= runtimeLimits.snapshotChunkBytes, 'every pull fills a chunk, but for the last')

/** When a group's log is compacted. */
export interface CompactionPolicy {
  /** A snapshot is taken after so many bytes, or so many entries, since the last one; later if that one was larger. */
  readonly bytes: number
  readonly entries: number
  /** So many entries stay in memory behind a snapshot, as far as their bytes allow, for followers that lag a little. */
  readonly keepEntries: number
}

/** A node has dozens of groups, and every entry takes half a kilobyte of memory besides what is in it. */
export const defaultCompaction: CompactionPolicy = { bytes: 8 * mebibyte, entries: 2_000, keepEntries: 1_000 }
