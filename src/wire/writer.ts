import { assert } from '#base/assert.ts'

const two32 = 0x1_0000_0000

/**
 * Writes MessagePack values one after another. `take` hands out what was written since the last `take`; those bytes are never
 * touched again, so they can wait in a queue without being copied. Small results share a slab of memory.
 */
export class Writer {
  readonly #slabBytes: number
  #slab: Buffer
  #start = 0
  #at = 0

  constructor(slabBytes: number) {
    this.#slabBytes = slabBytes
    this.#slab = Buffer.allocUnsafeSlow(slabBytes)
  }

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.#at - this.#start
  }

  take(): Uint8Array {
    const taken = this.#slab.subarray(this.#start, this.#at)
    this.#start = this.#at
    return taken
  }

  /** Forgets what was written since the last `take`. */
  drop(): void {
    this.#at = this.#start
  }

  array(length: number): void {
    this.#reserve(5)
    if (length < 16) this.#slab[this.#at++] = 0x90 | length
    else this.#sized(0xdc, length)
  }

  uint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'an integer on the wire is safe and not negative')
    this.#reserve(9)
    const slab = this.#slab
    if (value < 0x80) slab[this.#at++] = value
    else if (value < 0x100) {
      slab[this.#at++] = 0xcc
      slab[this.#at++] = value
    } else if (value < two32) this.#sized(0xcd, value)
    else {
      slab[this.#at++] = 0xcf
      this.#uint32(Math.floor(value / two32))
      this.#uint32(value % two32)
    }
  }

  /** A point in time or a length of time: finite, not negative, perhaps with a fraction. */
  time(value: number): void {
    if (Number.isSafeInteger(value)) return this.uint(value)
    assert(Number.isFinite(value) && value >= 0, 'a time on the wire is finite and not negative')
    this.#reserve(9)
    this.#slab[this.#at++] = 0xcb
    this.#at = this.#slab.writeDoubleBE(value, this.#at)
  }

  boolean(value: boolean): void {
    this.#reserve(1)
    this.#slab[this.#at++] = value ? 0xc3 : 0xc2
  }

  nil(): void {
    this.#reserve(1)
    this.#slab[this.#at++] = 0xc0
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length + 5)
    if (value.length < 0x100) {
      this.#slab[this.#at++] = 0xc4
      this.#slab[this.#at++] = value.length
    } else this.#sized(0xc5, value.length)
    this.#slab.set(value, this.#at)
    this.#at += value.length
  }

  string(value: string): void {
    if (this.#ascii(value)) return
    const length = Buffer.byteLength(value)
    this.#reserve(length + 5)
    this.#stringHeader(length)
    this.#at += this.#slab.write(value, this.#at)
  }

  /** Most strings are short names: a loop beats the call into the engine. False, and nothing written, when it is not one. */
  #ascii(value: string): boolean {
    if (value.length > 64) return false
    this.#reserve(value.length + 5)
    const from = this.#at
    this.#stringHeader(value.length)
    for (let position = 0; position < value.length; position++) {
      const code = value.charCodeAt(position)
      if (code >= 0x80) {
        this.#at = from
        return false
      }
      this.#slab[this.#at++] = code
    }
    return true
  }

  #stringHeader(length: number): void {
    if (length < 32) this.#slab[this.#at++] = 0xa0 | length
    else if (length < 0x100) {
      this.#slab[this.#at++] = 0xd9
      this.#slab[this.#at++] = length
    } else this.#sized(0xda, length)
  }

  /** A 16-bit number after `kind`, or a 32-bit one after the kind that follows it. */
  #sized(kind: number, size: number): void {
    const slab = this.#slab
    if (size < 0x1_0000) {
      slab[this.#at++] = kind
      slab[this.#at++] = size >>> 8
      slab[this.#at++] = size
    } else {
      slab[this.#at++] = kind + 1
      this.#uint32(size)
    }
  }

  #uint32(value: number): void {
    const slab = this.#slab
    slab[this.#at++] = value >>> 24
    slab[this.#at++] = value >>> 16
    slab[this.#at++] = value >>> 8
    slab[this.#at++] = value
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes > this.#slab.length) this.#renew(bytes)
  }

  #renew(bytes: number): void {
    const begun = this.#slab.subarray(this.#start, this.#at)
    const slab = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, 2 * (begun.length + bytes)))
    slab.set(begun)
    this.#slab = slab
    this.#start = 0
    this.#at = begun.length
    assert(this.#at + bytes <= slab.length, 'the new slab has room')
  }
}
