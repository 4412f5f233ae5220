import { assert } from '#base/assert.ts'
import { wireLimits } from '#wire/limits.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

/** A limit on everything that could otherwise grow, or wait, without bound. */
export const transportLimits = {
  /** Bulk messages waiting for one peer: beyond, they are dropped and counted. */
  bulkBytesMax: 32 * mebibyte,
  /** Urgent ones are never dropped: a peer that lets so many wait is not there, and its connection is closed. */
  urgentBytesMax: 32 * mebibyte,
  /** Bulk bytes on their way that the receiver has not taken yet: what an urgent message can at most have in front of it. */
  creditBytes: 256 * kibibyte,
  /** A receiver gives credit back in portions of this size. */
  creditPortionBytes: 64 * kibibyte,
  /** One write to a socket; the last frame of it may go beyond. */
  writeBytesMax: 64 * kibibyte,
  /** From the first packet to a proven peer. Shorter for the dialler: it must be free to try again. */
  dialMs: 2_000,
  acceptMs: 3_000,
  /** Accepted connections whose other end has not proved itself: beyond, the oldest is closed. */
  strangersMax: 256,
  /** Lines in the log about those that were turned away, in so many milliseconds. */
  strangerLinesMax: 20,
  strangerLinesMs: 60_000,
  tickMs: 2_000,
  /** Ticks without a byte after which the other end is gone. */
  silentTicksMax: 3,
  /** Time for the last words to leave. */
  partingMs: 500,
  keepAliveMs: 5_000,
} as const

assert(transportLimits.bulkBytesMax >= 2 * wireLimits.messageBytesMax, 'the largest message fits behind another')
assert(transportLimits.creditPortionBytes * 2 <= transportLimits.creditBytes, 'credit comes back before it is used up')
assert(transportLimits.creditBytes >= 2 * wireLimits.frameBodyBytesMax, 'a frame can be sent while another is on its way')
assert(transportLimits.silentTicksMax >= 3, 'a ping in time is never missed')
