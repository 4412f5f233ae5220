import { type Result, err, ok } from '#base/result.ts'
import { wireLimits } from './limits.ts'

/** Bytes that are not what the schema says. Never leaves this folder: `decode` turns it into a value. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}

const two32 = 0x1_0000_0000
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads MessagePack values, each of the kind that the caller's schema expects next, and refuses every other. There is no general
 * `unpack`: bytes from a peer cannot choose what is built, how deep it nests, or (beyond their own length) how much memory it takes.
 * Byte fields are views of one copy of the message, never of the buffer that was read into.
 */
export class Reader {
  readonly #bytes: Buffer
  #at = 0
  #copy: ArrayBuffer | null = null
  #copiedFrom = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** All bytes were read. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new Malformed('bytes after the end')
  }

  uint(max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#unsigned(this.#next(1))
    if (value > max) throw new Malformed('integer out of range')
    return value
  }

  time(): number {
    const kind = this.#next(1)
    if (kind !== 0xcb) return this.#unsigned(kind)
    const value = this.#bytes.readDoubleBE(this.#skip(8))
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw new Malformed('time out of range')
    return value
  }

  boolean(): boolean {
    const kind = this.#next(1)
    if (kind !== 0xc2 && kind !== 0xc3) throw new Malformed('expected a boolean')
    return kind === 0xc3
  }

  /** Consumes a nil when that is next. */
  nil(): boolean {
    if (this.peek() !== 0xc0) return false
    this.#at++
    return true
  }

  /** How many values follow; each takes at least one byte. */
  array(max: number): number {
    const kind = this.#next(1)
    const length = (kind & 0xf0) === 0x90 ? kind & 0x0f : kind === 0xdc ? this.#next(2) : kind === 0xdd ? this.#next(4) : -1
    if (length < 0) throw new Malformed('expected an array')
    if (length > max) throw new Malformed('array too long')
    if (length > this.#bytes.length - this.#at) throw new Malformed('cut short')
    return length
  }

  /** How many groups of so many values follow in one flat array. */
  groups(size: number, max: number): number {
    const groups = this.array(size * max) / size
    if (!Number.isInteger(groups)) throw new Malformed('wrong number of fields')
    return groups
  }

  tuple(length: number): void {
    if (this.array(length) !== length) throw new Malformed('wrong number of fields')
  }

  bytes(): Uint8Array {
    const kind = this.#next(1)
    if (kind < 0xc4 || kind > 0xc6) throw new Malformed('expected bytes')
    const length = this.#next(kind === 0xc4 ? 1 : kind === 0xc5 ? 2 : 4)
    const from = this.#skip(length)
    return new Uint8Array(this.#copyFrom(from), from - this.#copiedFrom, length)
  }

  string(): string {
    const kind = this.#next(1)
    const length = (kind & 0xe0) === 0xa0 ? kind & 0x1f : kind === 0xd9 ? this.#next(1) : kind === 0xda ? this.#next(2) : -1
    if (length < 0) throw new Malformed('expected a string')
    if (length > wireLimits.stringBytesMax) throw new Malformed('string too long')
    const from = this.#skip(length)
    let seen = 0
    for (let position = from; position < this.#at; position++) seen |= this.#bytes[position] as number
    return seen < 0x80 ? this.#bytes.toString('latin1', from, this.#at) : this.#decode(from)
  }

  /** The first byte of the next value, which tells its kind. */
  peek(): number {
    if (this.#at >= this.#bytes.length) throw new Malformed('cut short')
    return this.#bytes[this.#at] as number
  }

  #decode(from: number): string {
    try {
      return utf8.decode(this.#bytes.subarray(from, this.#at))
    } catch (cause) {
      throw new Malformed('not UTF-8', { cause })
    }
  }

  #unsigned(kind: number): number {
    if (kind < 0x80) return kind
    if (kind === 0xcc) return this.#next(1)
    if (kind === 0xcd) return this.#next(2)
    if (kind === 0xce) return this.#next(4)
    if (kind !== 0xcf) throw new Malformed('expected an integer that is not negative')
    const high = this.#next(4)
    const low = this.#next(4)
    if (high > 0x1f_ffff) throw new Malformed('integer out of range')
    return high * two32 + low
  }

  #next(width: 1 | 2 | 4): number {
    const at = this.#skip(width)
    const bytes = this.#bytes
    if (width === 1) return bytes[at] as number
    const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
    if (width === 2) return high
    return ((high << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
  }

  #skip(length: number): number {
    const at = this.#at
    if (length > this.#bytes.length - at) throw new Malformed('cut short')
    this.#at = at + length
    return at
  }

  /** One copy serves all byte fields from here on: a hundred small ones cost as much as one. */
  #copyFrom(position: number): ArrayBuffer {
    if (this.#copy !== null) return this.#copy
    const rest = this.#bytes.subarray(position)
    const copy = Buffer.allocUnsafeSlow(rest.length)
    copy.set(rest)
    this.#copy = copy.buffer
    this.#copiedFrom = position
    return this.#copy
  }
}

/** Reads the whole of `bytes`, or says what is wrong with them. */
export function readAll<T>(bytes: Uint8Array, read: (reader: Reader) => T): Result<T, string> {
  return readFirst(bytes, (reader) => {
    const value = read(reader)
    reader.end()
    return value
  })
}

/** Reads what `read` knows of; what a newer version put behind it is left alone. */
export function readFirst<T>(bytes: Uint8Array, read: (reader: Reader) => T): Result<T, string> {
  try {
    return ok(read(new Reader(bytes)))
  } catch (error) {
    if (error instanceof Malformed) return err(error.message)
    throw error
  }
}
