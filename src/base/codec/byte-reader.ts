import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import { known, remember } from './known-texts.ts'

/** Bytes that are not what the schema says. Never leaves this folder: readers turn it into a value. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads what `ByteWriter` wrote, each value of the kind that the caller expects next; takes no more memory than the bytes themselves. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0
  /** Made for the first float. */
  #view: DataView | null = null

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }
  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  byte(): number {
    return this.#bytes[this.#skip(1)] as number
  }

  uint(max: number): number {
    let value = 0
    let scale = 1
    for (let length = 1; length <= 8; length++) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (value > max) throw new Malformed('integer out of range')
        if (byte === 0 && length > 1) throw new Malformed('integer longer than needed')
        return value
      }
      scale *= 0x80
    }
    throw new Malformed('integer out of range')
  }

  float(): number {
    const { buffer, byteOffset, length } = this.#bytes
    this.#view ??= new DataView(buffer, byteOffset, length)
    return this.#view.getFloat64(this.#skip(8))
  }

  text(bytesMax: number): string {
    const length = this.uint(Number.MAX_SAFE_INTEGER)
    if (length > bytesMax) throw new Malformed('text too long')
    const from = this.#skip(length)
    return known(this.#bytes, from, this.#at) ?? this.#decode(from)
  }

  /** A view: it keeps all that is read from in memory. */
  bytes(bytesMax: number): Uint8Array {
    const length = this.uint(Number.MAX_SAFE_INTEGER)
    if (length > bytesMax) throw new Malformed('bytes too long')
    const from = this.#skip(length)
    return this.#bytes.subarray(from, this.#at)
  }

  #decode(from: number): string {
    try {
      const text = decoder.decode(this.#bytes.subarray(from, this.#at))
      remember(text, this.#bytes, from, this.#at)
      return text
    } catch (cause) {
      throw new Malformed('not UTF-8', { cause })
    }
  }

  #skip(length: number): number {
    const at = this.#at
    if (length > this.#bytes.length - at) throw new Malformed('cut short')
    this.#at = at + length
    return at
  }
}

/** Reads the whole of `bytes`, or says what is wrong with them. */
export function readAll<T>(bytes: Uint8Array, read: (reader: ByteReader) => T): Result<T, string> {
  try {
    const reader = new ByteReader(bytes)
    const value = read(reader)
    return reader.isAtEnd ? ok(value) : err('bytes after the end')
  } catch (error) {
    if (error instanceof Malformed) return err(error.message)
    throw error
  }
}
