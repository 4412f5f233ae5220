import { assert, present } from '#base/assert.ts'
import type { ByteReader } from './byte-reader.ts'
import { Malformed } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { compileFields } from './compile-fields.ts'
import type { CompiledFields } from './compile-fields.ts'

/** How one type of value is written and read: both directions stand side by side, so that they cannot drift apart. */
export interface Schema<T> {
  write(writer: ByteWriter, value: T): void
  /** Throws `Malformed`. */
  read(reader: ByteReader): T
}

/** One value as bytes. The writer may be shared by all who write in one thread. */
export function encodeWith<T>(writer: ByteWriter, schema: Schema<T>, value: T): Uint8Array {
  writer.restart()
  schema.write(writer, value)
  return writer.take()
}

/** The fields of a value in the order in which they are written; the compiler proves that none is missing. */
type Fields<T> = { readonly [K in keyof T]-?: Schema<T[K]> }

/** Every variant of a union with the number that names it, which is never given to another one. */
type Variants<T extends { readonly type: string }> = {
  readonly [K in T['type']]: readonly [tag: number, fields: Fields<Omit<Extract<T, { readonly type: K }>, 'type'>>]
}

/** Branded numbers and texts are written as what they are; the brand is put back here. */
export const uint = <T extends number>(max: number = Number.MAX_SAFE_INTEGER): Schema<T> => ({
  write: (writer, value) => writer.uint(value),
  read: (reader) => reader.uint(max) as T,
})

export const time = <T extends number>(): Schema<T> => ({
  write: (writer, value) => writer.float(value),
  read(reader) {
    const value = reader.float()
    return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? (value as T) : malformed('time out of range')
  },
})

export const text = <T extends string>(bytesMax: number): Schema<T> => ({
  write: (writer, value) => writer.text(value),
  read: (reader) => reader.text(bytesMax) as T,
})

/** Read as a view of what is read from. */
export const bytes = (max: number): Schema<Uint8Array> => ({
  write: (writer, value) => writer.bytes(value),
  read: (reader) => reader.bytes(max),
})

export const boolean: Schema<boolean> = {
  write: (writer, value) => writer.byte(value ? 1 : 0),
  read(reader) {
    const value = reader.byte()
    return value > 1 ? malformed('expected a boolean') : value === 1
  },
}

export const nullable = <T>(schema: Schema<T>): Schema<T | null> => ({
  write(writer, value) {
    writer.byte(value === null ? 0 : 1)
    if (value !== null) schema.write(writer, value)
  },
  read: (reader) => (boolean.read(reader) ? schema.read(reader) : null),
})

/** Each value takes at least one byte, so a list is no longer than what is left. */
export const list = <T>(schema: Schema<T>, max: number): Schema<readonly T[]> => ({
  write(writer, values) {
    writer.uint(values.length)
    for (const value of values) schema.write(writer, value)
  },
  read(reader) {
    const length = reader.uint(max)
    if (length > reader.left) malformed('cut short')
    return Array.from({ length }, () => schema.read(reader))
  },
})

/** One of a closed set of words, as the number it was given for good. */
export function word<T extends string>(numbers: Readonly<Record<T, number>>): Schema<T> {
  const words = new Map(Object.entries<number>(numbers).map(([name, number]) => [number, name as T]))
  return {
    write: (writer, value) => writer.byte(numbers[value]),
    read: (reader) => words.get(reader.byte()) ?? malformed('unknown word'),
  }
}

export function struct<T extends object>(fields: Fields<T>): Schema<T> {
  return compileFields(columnsOf(fields)) as CompiledFields<ByteWriter, ByteReader> & Schema<T>
}

/** The number of its variant, then its fields. */
export function union<T extends { readonly type: string }>(variants: Variants<T>): Schema<T> {
  const byType = new Map<string, Variant>()
  const byTag = new Map<number, Variant>()
  for (const [type, [tag, fields]] of Object.entries<readonly [number, object]>(variants)) {
    const variant = { tag, ...compileFields(columnsOf(fields), { type }) }
    assert(!byTag.has(tag), 'a number names one variant')
    byType.set(type, variant)
    byTag.set(tag, variant)
  }
  return {
    write(writer, value) {
      const variant = present(byType.get(value.type), 'every variant has a schema')
      writer.byte(variant.tag)
      variant.write(writer, value)
    },
    read(reader) {
      const variant = byTag.get(reader.byte()) ?? malformed('unknown variant')
      return variant.read(reader) as T
    },
  }
}

interface Variant extends CompiledFields<ByteWriter, ByteReader> {
  readonly tag: number
}

const columnsOf = (fields: object): Readonly<Record<string, Schema<never>>> => fields as Record<string, Schema<never>>

export function malformed(reason: string): never {
  throw new Malformed(reason)
}
