import { assert } from '#base/assert.ts'
import { clientLimits } from '#wire/client-limits.ts'
import { wireLimits } from '#wire/limits.ts'

const kibibyte = 1024

/** Of connections between clients and nodes. */
export const clientSocketLimits = {
  slabBytes: 64 * kibibyte,
  /** One write to a socket; its last frame may go beyond. */
  writeBytesMax: 64 * kibibyte,
  writeSpaceBytes: 128 * kibibyte,
  /** What waits for a client that takes it more slowly than it asks: beyond, it is given up. */
  unsentBytesMax: 64 * 1024 * kibibyte,
  /** From the first packet to the greeting. */
  dialMs: 2_000,
  acceptMs: 3_000,
  tickMs: 1_000,
  /** Ticks without a byte, heard or taken, after which the other end is gone. */
  silentTicksMax: 3,
  /** Time for the last words to leave. */
  partingMs: 500,
  /** Of one node. */
  connectionsMax: 10_000,
} as const

assert(clientSocketLimits.slabBytes >= 2 * clientLimits.frameFillBytes, 'a frame and a message fit a slab')
assert(clientSocketLimits.unsentBytesMax >= 4 * wireLimits.messageBytesMax, 'some of the longest answers may wait together')
