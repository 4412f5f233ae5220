import { assert } from '#base/assert.ts'

const kibibyte = 1024

export const limits = {
  /** A run of small entries grows to this size: four pages of 4 KiB with LMDB's page header. A single larger entry goes alone. */
  runBytesMax: 16 * kibibyte - 64,
  /** A transaction takes no further commits from here on. */
  transactionBytesMax: 4 * kibibyte * kibibyte,
  /** Old records that one transaction deletes or rewrites beside what it was asked for, and when it has nothing else to do. */
  sweepRecordsBusy: 64,
  sweepRecordsIdle: 256,
  sweepBytesMax: 256 * kibibyte,
  /** Below this a disk counts as full: a few transactions of the largest kind, and what LMDB copies along the way. */
  freeBytesMin: 64 * kibibyte * kibibyte,
  /** What `load` reads before it lets other things happen. */
  loadBytesPerTurn: 2 * kibibyte * kibibyte,
  /** Address space, not memory and not disk. */
  mapBytes: 2 ** 40,
} as const

assert(limits.freeBytesMin >= 4 * limits.transactionBytesMax, 'a transaction fits into what is kept free')
assert(limits.sweepRecordsBusy <= limits.sweepRecordsIdle, 'an idle store sweeps faster')
