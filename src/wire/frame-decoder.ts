import { crc32 } from 'node:zlib'
import { type Frame, frameVersion, headerBytes } from './frame.ts'
import { wireLimits } from './limits.ts'

export type FrameFailure = 'frame too long' | 'unknown frame version' | 'checksum mismatch'

/**
 * Cuts a stream of bytes, however it is chunked, into frames. Whole frames of a chunk are not copied; one that is cut by the end of a
 * chunk is gathered in a buffer of one frame's size, which is all the memory this takes.
 */
export class FrameDecoder {
  #partial: Buffer | null = null
  #gathered = 0
  #failure: FrameFailure | null = null

  /**
   * Visits each frame that `chunk` completes. A body is valid only during its visit. Once something was wrong the stream cannot be
   * trusted any more: this and every later push returns the failure and visits nothing.
   */
  push(chunk: Uint8Array, visit: (frame: Frame) => void): FrameFailure | null {
    if (this.#failure !== null) return this.#failure
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (this.#gathered > 0) rest = this.#complete(rest, visit)
    while (rest.length >= headerBytes && this.#failure === null) {
      const size = this.#size(rest)
      if (size > rest.length) break
      if (size > 0) this.#visit(rest.subarray(0, size), visit)
      rest = rest.subarray(size)
    }
    if (rest.length > 0 && this.#failure === null) this.#gather(rest)
    return this.#failure
  }

  /** Adds to the frame that an earlier chunk began; returns what follows it. */
  #complete(chunk: Buffer, visit: (frame: Frame) => void): Buffer {
    let rest = chunk
    if (this.#gathered < headerBytes) rest = this.#gather(rest, headerBytes)
    if (this.#gathered < headerBytes || this.#failure !== null) return rest
    const partial = this.#partial as Buffer
    const size = this.#size(partial)
    rest = this.#gather(rest, size)
    if (this.#gathered < size || this.#failure !== null) return rest
    this.#gathered = 0
    this.#visit(partial.subarray(0, size), visit)
    return rest
  }

  /** Copies until `upTo` bytes are gathered, and returns what is left. */
  #gather(chunk: Buffer, upTo: number = Number.MAX_SAFE_INTEGER): Buffer {
    const taken = chunk.subarray(0, Math.max(0, upTo - this.#gathered))
    this.#partial ??= Buffer.allocUnsafeSlow(headerBytes + wireLimits.frameBodyBytesMax)
    this.#partial.set(taken, this.#gathered)
    this.#gathered += taken.length
    return chunk.subarray(taken.length)
  }

  /** Of the whole frame that begins here; 0 when it must not be waited for. */
  #size(bytes: Buffer): number {
    const length = bytes.readUInt32BE(0)
    if (length > wireLimits.frameBodyBytesMax) this.#failure = 'frame too long'
    else if (bytes[8] !== frameVersion) this.#failure = 'unknown frame version'
    return this.#failure === null ? headerBytes + length : 0
  }

  #visit(bytes: Buffer, visit: (frame: Frame) => void): void {
    if (crc32(bytes.subarray(8)) === bytes.readUInt32BE(4)) {
      visit({ type: bytes[9] as number, stream: bytes.readUInt16BE(10), body: bytes.subarray(headerBytes) })
    } else this.#failure = 'checksum mismatch'
  }
}
