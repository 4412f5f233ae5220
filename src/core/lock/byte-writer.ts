import { assert } from '#base/assert.ts'

const encoder = new TextEncoder()

/** Writes numbers and texts one after another; `take` hands out what was written since the last one, for good. */
export class ByteWriter {
  #bytes: Uint8Array
  #length = 0

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length)
    this.#length = 0
    return taken
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  /** Seven bits a byte, the lowest first; the top bit says that more follow. */
  uint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'an integer in a record is safe and not negative')
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80
      rest = rest > 0x7fff_ffff ? Math.floor(rest / 0x80) : rest >>> 7
    }
    this.#bytes[this.#length++] = rest
  }

  /** Times may have fractions. */
  float(value: number): void {
    this.#reserve(8)
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value)
    this.#length += 8
  }

  /** Its length in UTF-8, then that. Most texts are short names in ASCII, for which the engine's encoder costs more than a loop. */
  text(value: string): void {
    if (this.#ascii(value)) return
    const utf8 = encoder.encode(value)
    this.uint(utf8.length)
    this.#reserve(utf8.length)
    this.#bytes.set(utf8, this.#length)
    this.#length += utf8.length
  }

  /** False when it is not one; then nothing counts as written. */
  #ascii(value: string): boolean {
    const { length } = value
    if (length >= 0x80) return false
    this.#reserve(length + 1)
    let at = this.#length
    this.#bytes[at++] = length
    for (let unit = 0; unit < length; unit++) {
      const code = value.charCodeAt(unit)
      if (code >= 0x80) return false
      this.#bytes[at++] = code
    }
    this.#length = at
    return true
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const larger = new Uint8Array(2 * this.#bytes.length + bytes)
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
