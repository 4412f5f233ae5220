import { assert } from '#base/assert.ts'
import { lockLimits } from '#core/lock/limits.ts'
import { wireLimits } from './limits.ts'

/** A limit on everything that a client may send. */
export const clientLimits = {
  /** The largest acquire, of many resources with long names, and some more. */
  commandBytesMax: 24 * 1024,
  /** Of one keep-alive; more go in further ones. */
  keepAliveSessionsMax: 512,
  /** Of one list of locks. */
  pageMax: 1_000,
  /** Messages share a frame until it has so many bytes. */
  frameFillBytes: 24 * 1024,
} as const

/** A name and its length, a mode, and what there is besides. */
const largestAcquire = lockLimits.itemsMax * (lockLimits.nameBytesMax + 3) + 4 * lockLimits.nameBytesMax
const largestKeepAlive = clientLimits.keepAliveSessionsMax * 64

assert(clientLimits.commandBytesMax >= largestAcquire, 'the largest acquire can be sent')
assert(
  clientLimits.frameFillBytes + Math.max(clientLimits.commandBytesMax, largestKeepAlive) + 64 <= wireLimits.frameBodyBytesMax,
  'whatever a client sends fits a frame behind what is in it',
)
