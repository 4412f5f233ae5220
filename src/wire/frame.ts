import { crc32 } from 'node:zlib'
import { assert } from '#base/assert.ts'
import { wireLimits } from './limits.ts'

/**
 * A connection carries frames, nothing else. Big-endian:
 *
 *     0       4         8         9      10       12
 *     | length | checksum | version | type | stream | body …
 *
 * `length` counts the body, `checksum` is the CRC-32 of everything after itself. docs/wire.md has the types and the rules.
 */
export const headerBytes = 12
export const frameVersion = 1

export const frameTypes = {
  hello: 1,
  proof: 2,
  close: 3,
  /** A message goes on in the next frame of the stream. */
  part: 4,
  /** A whole message, or the last part of one. */
  message: 5,
  credit: 6,
  ping: 7,
  cluster: 8,
} as const

/** Frames of one stream are in order; those of different streams may be mixed. */
export const streams = { control: 0, urgent: 1, bulk: 2 } as const

export interface Frame {
  readonly type: number
  readonly stream: number
  readonly body: Uint8Array
}

/** Lays the frames out one after another, ready for one write: in `space` if they fit there. */
export function packFrames(frames: readonly Frame[], space: Buffer | null = null): Uint8Array {
  let total = 0
  for (const frame of frames) total += headerBytes + frame.body.length
  const packed = space !== null && total <= space.length ? space.subarray(0, total) : Buffer.allocUnsafe(total)
  let at = 0
  for (const frame of frames) at = writeFrame(packed, at, frame)
  assert(at === total, 'the frames fill what was measured')
  return packed
}

function writeFrame(target: Buffer, at: number, { type, stream, body }: Frame): number {
  assert(body.length <= wireLimits.frameBodyBytesMax, 'a longer message is split')
  const end = at + headerBytes + body.length
  target[at + 8] = frameVersion
  target[at + 9] = type
  target.writeUInt16BE(stream, at + 10)
  target.set(body, at + headerBytes)
  target.writeUInt32BE(body.length, at)
  target.writeUInt32BE(crc32(target.subarray(at + 8, end)), at + 4)
  return end
}
