import { assert } from '#base/assert.ts'

const encoder = new TextEncoder()

/**
 * Writes numbers and texts one after another; `take` hands out what was written since the last one, for good. What is taken is a view of a slab
 * that it shares with what is taken before and after: to make an array of its own for every small record costs more than to write it.
 */
export class ByteWriter {
  readonly #slabBytes: number
  #slab: Uint8Array
  /** Of the slab, made for its first float. */
  #view: DataView | null = null
  /** Where the record begins that is being written, and where it goes on. */
  #from = 0
  #at = 0

  constructor(slabBytes: number) {
    this.#slabBytes = slabBytes
    this.#slab = new Uint8Array(slabBytes)
  }

  get length(): number {
    return this.#at - this.#from
  }

  /** Forgets what was written since the last `take`: an encoder that threw may have left half a record. */
  restart(): void {
    this.#at = this.#from
  }

  take(): Uint8Array {
    const taken = new Uint8Array(this.#slab.buffer, this.#from, this.length)
    this.#from = this.#at
    return taken
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#slab[this.#at++] = value
  }

  /** Seven bits a byte, the lowest first; the top bit says that more follow. */
  uint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'an integer in a record is safe and not negative')
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#slab[this.#at++] = (rest & 0x7f) | 0x80
      rest = rest > 0x7fff_ffff ? Math.floor(rest / 0x80) : rest >>> 7
    }
    this.#slab[this.#at++] = rest
  }

  /** Times may have fractions. */
  float(value: number): void {
    this.#reserve(8)
    this.#view ??= new DataView(this.#slab.buffer)
    this.#view.setFloat64(this.#at, value)
    this.#at += 8
  }

  /** Its length in UTF-8, then that. Most texts are short names in ASCII, for which the engine's encoder costs more than a loop. */
  text(value: string): void {
    if (this.#ascii(value)) return
    this.bytes(encoder.encode(value))
  }

  /** Their length, then they. */
  bytes(value: Uint8Array): void {
    this.uint(value.length)
    this.#reserve(value.length)
    this.#slab.set(value, this.#at)
    this.#at += value.length
  }

  /** False when it is not one; then nothing counts as written. */
  #ascii(value: string): boolean {
    const { length } = value
    if (length >= 0x80) return false
    this.#reserve(length + 1)
    let at = this.#at
    this.#slab[at++] = length
    for (let unit = 0; unit < length; unit++) {
      const code = value.charCodeAt(unit)
      if (code >= 0x80) return false
      this.#slab[at++] = code
    }
    this.#at = at
    return true
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#slab.length) return
    const { length } = this
    const slab = new Uint8Array(Math.max(this.#slabBytes, 2 * (length + bytes)))
    slab.set(this.#slab.subarray(this.#from, this.#at))
    this.#slab = slab
    this.#view = null
    this.#from = 0
    this.#at = length
  }
}
