import { isUtf8 } from 'node:buffer'

/** Of objects and lists within each other: what a reader in any language can take. */
const jsonDepthMax = 1_000

const quote = 0x22
const backslash = 0x5c
const openObject = 0x7b
const closeObject = 0x7d
const openList = 0x5b
const closeList = 0x5d
const colon = 0x3a
const comma = 0x2c
const minus = 0x2d
const plus = 0x2b
const dot = 0x2e
const zero = 0x30

/**
 * Walks over the bytes of a JSON text (RFC 8259) and makes nothing of them but positions. It takes what `JSON.parse` takes, except for what is
 * nested too deep, and throws a `SyntaxError` with the place of the first byte that does not fit. Spaces behind a value belong to what is
 * around it: `value` ends right behind the last byte of the value.
 */
export class JsonScanner {
  readonly #bytes: Buffer
  readonly #step = (): void => this.value()
  #at = 0
  #depth = 0

  constructor(bytes: Buffer) {
    if (!isUtf8(bytes)) throw new TypeError('the bytes are not UTF-8')
    this.#bytes = bytes
    // A mark of the byte order, which some programs put in front of all they write.
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.#at = 3
  }

  /** Of the next byte. */
  get at(): number {
    return this.#at
  }

  isObject(): boolean {
    return this.#bytes[this.#at] === openObject
  }

  isList(): boolean {
    return this.#bytes[this.#at] === openList
  }

  space(): void {
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return
      this.#at++
    }
  }

  end(): void {
    this.space()
    if (this.#at < this.#bytes.length) this.#fail('the end')
  }

  /** Steps over one value of any kind. */
  value(): void {
    const byte = this.#bytes[this.#at]
    if (byte === quote) this.#string()
    else if (byte === openObject) this.members(this.#step)
    else if (byte === openList) this.items(this.#step)
    else if (byte === minus || isDigit(byte)) this.#number()
    else if (byte === 0x74) this.#word('true')
    else if (byte === 0x66) this.#word('false')
    else if (byte === 0x6e) this.#word('null')
    else this.#fail('a value')
  }

  /** Steps over an object. For each field, `onValue` is told its name and must step over its value. */
  members(onValue: (name: string) => void): void {
    this.#open()
    if (this.#bytes[this.#at] !== closeObject) {
      for (;;) {
        const from = this.#at
        if (this.#bytes[from] !== quote) this.#fail('the name of a field')
        this.#string()
        const name = this.#text(from, this.#at)
        this.space()
        if (this.#bytes[this.#at] !== colon) this.#fail('a colon')
        this.#at++
        this.space()
        onValue(name)
        if (!this.#goesOn(closeObject)) break
      }
    }
    this.#close()
  }

  /** Steps over a list. `onValue` must step over an item. */
  items(onValue: () => void): void {
    this.#open()
    if (this.#bytes[this.#at] !== closeList) {
      do onValue()
      while (this.#goesOn(closeList))
    }
    this.#close()
  }

  #open(): void {
    if (++this.#depth > jsonDepthMax) throw new SyntaxError(`more than ${jsonDepthMax} objects and lists within each other`)
    this.#at++
    this.space()
  }

  #close(): void {
    this.#depth--
    this.#at++
  }

  /** Behind a field or an item: whether another one follows. */
  #goesOn(closing: number): boolean {
    this.space()
    const byte = this.#bytes[this.#at]
    if (byte === closing) return false
    if (byte !== comma) this.#fail('a comma or the end of what was begun')
    this.#at++
    this.space()
    return true
  }

  /** Most names have no escapes. */
  #text(from: number, to: number): string {
    const literal = this.#bytes.toString('utf8', from, to)
    return literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1)
  }

  #string(): void {
    const bytes = this.#bytes
    let at = this.#at + 1
    for (;;) {
      const byte = bytes[at] ?? 0
      if (byte === quote) break
      if (byte < 0x20) this.#failAt(at, 'the end of a text, which has no control characters')
      at = byte === backslash ? this.#escape(at + 1) : at + 1
    }
    this.#at = at + 1
  }

  #escape(at: number): number {
    const byte = this.#bytes[at] ?? 0
    if (escapes.has(byte)) return at + 1
    if (byte !== 0x75) this.#failAt(at, 'an escape')
    for (let digit = at + 1; digit <= at + 4; digit++) if (!isHex(this.#bytes[digit])) this.#failAt(digit, 'a hexadecimal digit')
    return at + 5
  }

  #number(): void {
    if (this.#bytes[this.#at] === minus) this.#at++
    if (this.#bytes[this.#at] === zero) this.#at++
    else this.#digits()
    if (this.#bytes[this.#at] === dot) {
      this.#at++
      this.#digits()
    }
    // `e` or `E`
    if (((this.#bytes[this.#at] ?? 0) | 0x20) !== 0x65) return
    this.#at++
    const sign = this.#bytes[this.#at]
    if (sign === minus || sign === plus) this.#at++
    this.#digits()
  }

  #digits(): void {
    if (!isDigit(this.#bytes[this.#at])) this.#fail('a digit')
    do this.#at++
    while (isDigit(this.#bytes[this.#at]))
  }

  #word(word: string): void {
    for (let index = 0; index < word.length; index++) {
      if (this.#bytes[this.#at + index] !== word.charCodeAt(index)) this.#failAt(this.#at + index, word)
    }
    this.#at += word.length
  }

  #fail(expected: string): never {
    return this.#failAt(this.#at, expected)
  }

  #failAt(at: number, expected: string): never {
    const seen = at < this.#bytes.length ? `something else is at byte ${at}` : `it ends after ${this.#bytes.length} bytes`
    throw new SyntaxError(`expected is ${expected}, and ${seen}`)
  }
}

const escapes = new Set(Buffer.from('"\\/bfnrt'))

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= zero && byte <= 0x39

function isHex(byte: number | undefined): boolean {
  if (byte === undefined) return false
  const lower = byte | 0x20
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66)
}
