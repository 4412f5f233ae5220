import { assert } from '#base/assert.ts'

const mebibyte = 1024 * 1024

/** What one write must not share with another: no durable byte is written again before it is checkpointed. */
export const pageBytes = 4_096

export const limits = {
  /** The journal's size on disk, for as long as the store lives. */
  pages: (16 * mebibyte) / pageBytes,
  /** A record takes no further batches from here on. */
  recordBytesMax: mebibyte,
  /** A larger batch goes straight to the store beneath. */
  batchBytesMax: mebibyte / 4,
  /** The store beneath is given what has gathered once it is so much, or so old. */
  checkpointBytes: mebibyte / 2,
  checkpointMs: 500,
} as const

assert(limits.batchBytesMax <= limits.recordBytesMax, 'a batch fits into a record')
assert(limits.checkpointBytes + 2 * limits.recordBytesMax <= (limits.pages * pageBytes) / 2, 'records find room while a checkpoint runs')
