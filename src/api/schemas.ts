import { Type } from './type.ts'
import type { Static, TProperties, TSchema } from 'typebox'
import type { Brand } from '#base/brand.ts'

/**
 * The words that requests and answers are made of. A schema is plain JSON Schema (2020-12): the same object checks what comes in, writes
 * what goes out, is part of the OpenAPI document, and gives the type.
 */

/**
 * A value of JSON as its very bytes, in UTF-8, so that it leaves as it came: numbers that no program holds, the order of fields, spaces. They
 * have been checked: it is one value of JSON, without anything around it. Nobody may change them.
 */
export type JsonBytes = Brand<Uint8Array, 'JsonBytes'>

/** What a schema describes, to be read only. */
export type Data<Schema extends TSchema> = DeepReadonly<Static<Schema>>
type DeepReadonly<T> = T extends JsonBytes
  ? T
  : T extends readonly (infer Item)[]
    ? readonly DeepReadonly<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
      : T

interface Named {
  /** Schemas with a title become components of the OpenAPI document under that name. */
  readonly title?: string
  readonly description?: string
}

/** An object that has these fields and no other. */
export const closed = <Fields extends TProperties>(fields: Fields, options: Named = {}): ReturnType<typeof Type.Object<Fields>> =>
  Type.Object(fields, { ...options, additionalProperties: false })

export const { Optional: optional, Array: listOf, Literal: literal, Boolean: boolean, Union: anyOf } = Type

export const oneOf = <const Values extends readonly string[]>(values: Values, options: object = {}): OneOf<Values> =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: values, ...options })
type OneOf<Values extends readonly string[]> = ReturnType<typeof Type.Unsafe<Values[number]>>

/** Any JSON, kept as its bytes. A route whose requests have such fields names them in `raw`. */
export const jsonValue = (options: object = {}): ReturnType<typeof Type.Unsafe<JsonBytes>> => Type.Unsafe<JsonBytes>(options)

/** The values of a schema of one type, or null. */
export const nullable = <Schema extends TSchema>(schema: Schema): ReturnType<typeof Type.Unsafe<Static<Schema> | null>> => {
  const { type } = schema as unknown as { readonly type: string }
  return Type.Unsafe<Static<Schema> | null>({ ...schema, type: [type, 'null'] })
}

/** A limit in bytes of UTF-8, which JSON Schema cannot say; see `byteLimit`. */
export const byteLimitKeyword = 'x-bytes-max'

/** Any text with at least one character, well formed, up to so many bytes in UTF-8. */
export const text = (bytesMax: number, options: object = {}): ReturnType<typeof Type.String> =>
  Type.String({ minLength: 1, maxLength: bytesMax, [byteLimitKeyword]: bytesMax, ...options })

/** True for text that is well formed and not longer than that in UTF-8: two names that differ must not become the same bytes. */
export function fitsBytes(bytesMax: number, value: string): boolean {
  // A UTF-16 unit makes at most three bytes, so short texts need not be measured.
  return value.isWellFormed() && (value.length * 3 <= bytesMax || Buffer.byteLength(value) <= bytesMax)
}

export const integer = (minimum: number, maximum: number, options: object = {}): ReturnType<typeof Type.Integer> =>
  Type.Integer({ minimum, maximum, ...options })

/** How many of something there are. */
export const count = (options: object = {}): ReturnType<typeof Type.Integer> => integer(0, Number.MAX_SAFE_INTEGER, options)

/** A length of time; its field ends in `_ms`. */
export const durationMs = (minimum: number, maximum: number, options: object = {}): ReturnType<typeof Type.Integer> =>
  integer(minimum, maximum, options)

/** A length of time in an answer. */
export const leftMs = (options: object = {}): ReturnType<typeof Type.Integer> => count(options)

/** An instant, as `2026-01-31T12:00:00.000Z`. */
export const instant = (options: object = {}): ReturnType<typeof Type.String> => Type.String({ format: 'date-time', ...options })

/** The text of an instant. */
export const instantOf = (wallMs: number): string => new Date(wallMs).toISOString()
