import { cacheLimits } from '#core/cache/limits.ts'
import { TextValue } from '#core/cache/text-value.ts'
import type { Value } from '#core/cache/types.ts'
import { byteLength, fits } from '#core/queue/text-size.ts'
import { LockstepError } from '#sdk/errors.ts'
import { invalid } from '#sdk/options.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * A value of a line: its JSON, byte for byte as whoever wrote it sent it, and what that is to a program. What a program reads is made when it is first asked for, and
 * kept. So a hit costs no parsing; and what a program gave away it may change afterwards, as what is read is made of the JSON.
 *
 * The JSON is a text and no array of bytes, which would be several objects and take 200 bytes more; and of a text in quotes, which is its own JSON between
 * them, there is only one.
 */
export class JsonValue implements Value {
  readonly size: number
  /** Null when it is the value in quotes. */
  #text: string | null
  #value: unknown

  private constructor(text: string, bytes: number, value: unknown) {
    // V8 keeps a character in one byte where all of them allow that.
    this.size = text.length === bytes ? bytes : Math.max(bytes, 2 * text.length)
    this.#text = isQuoted(text, value) ? null : text
    this.#value = value
  }

  static ofBytes(bytes: Uint8Array): JsonValue {
    return new JsonValue(decoder.decode(bytes), bytes.length, notParsed)
  }

  /** What came by the network is a text already. */
  static from(value: Value): JsonValue {
    return value instanceof TextValue ? new JsonValue(value.text, value.size, notParsed) : JsonValue.ofBytes(value.bytes)
  }

  /** Throws `invalid_request` for what is no JSON, and `value_too_large`. */
  static of(given: unknown): JsonValue {
    const text = textOf(given)
    if (!fits(text, cacheLimits.valueBytesMax)) {
      throw new LockstepError(
        'value_too_large',
        `a value has at most ${cacheLimits.valueBytesMax} bytes, and this one has ${byteLength(text)}`,
      )
    }
    return new JsonValue(text, byteLength(text), isPlain(given) ? given : notParsed)
  }

  get bytes(): Uint8Array {
    return encoder.encode(this.#text ?? `"${this.#value as string}"`)
  }

  /** Frozen, and the same for all who ask. */
  get value(): unknown {
    return this.#value === notParsed ? this.#parse() : this.#value
  }

  #parse(): unknown {
    const text = this.#text ?? ''
    this.#value = frozen(JSON.parse(text))
    if (isQuoted(text, this.#value)) this.#text = null
    return this.#value
  }
}

/** Nothing in it is escaped. */
const isQuoted = (text: string, value: unknown): boolean => typeof value === 'string' && text.length === value.length + 2

const notParsed = Symbol('not parsed')

/** It is its own copy, and comes back from its JSON as it was. */
const isPlain = (given: unknown): boolean =>
  typeof given === 'string' || typeof given === 'boolean' || given === null || (Number.isFinite(given) && !Object.is(given, -0))

function textOf(given: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(given)
  } catch (error) {
    throw new LockstepError('invalid_request', 'value must be JSON', { cause: error })
  }
  if (text === undefined) throw invalid('value', 'JSON')
  return text
}

/** With all that is in it, however deep. */
function frozen(value: unknown): unknown {
  const open = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue
    Object.freeze(next)
    for (const inner of Object.values(next)) if (typeof inner === 'object' && inner !== null) open.push(inner)
  }
  return value
}
