import { assert, present } from '#base/assert.ts'
import { compileFields } from '#base/codec/compile-fields.ts'
import type { CompiledFields } from '#base/codec/compile-fields.ts'
import { Malformed, type Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** How one type of value is written and read: both directions stand side by side, so that they cannot drift apart. */
export interface Schema<T> {
  write(writer: Writer, value: T): void
  /** Throws `Malformed`. */
  read(reader: Reader): T
}

/** The fields of a value in the order in which they travel; the compiler proves that none is missing. */
export type Fields<T> = { readonly [K in keyof T]-?: Schema<T[K]> }

/** Every variant of a union with the number that names it on the wire, which is never given to another one. */
export type Variants<T extends { readonly type: string }> = {
  readonly [K in T['type']]: readonly [tag: number, fields: Fields<Omit<Extract<T, { readonly type: K }>, 'type'>>]
}

/** Branded numbers and strings travel as what they are; the brand is put back here. */
export const uint = <T extends number>(max: number = Number.MAX_SAFE_INTEGER): Schema<T> => ({
  write: (writer, value) => writer.uint(value),
  read: (reader) => reader.uint(max) as T,
})

export const uint32: Schema<number> = uint(0xffff_ffff)

export const time = <T extends number>(): Schema<T> => ({
  write: (writer, value) => writer.time(value),
  read: (reader) => reader.time() as T,
})

export const string = <T extends string>(): Schema<T> => ({
  write: (writer, value) => writer.string(value),
  read: (reader) => reader.string() as T,
})

export const bytes: Schema<Uint8Array> = {
  write: (writer, value) => writer.bytes(value),
  read: (reader) => reader.bytes(),
}

export const boolean: Schema<boolean> = {
  write: (writer, value) => writer.boolean(value),
  read: (reader) => reader.boolean(),
}

export const nullable = <T>(schema: Schema<T>): Schema<T | null> => ({
  write(writer, value) {
    if (value === null) writer.nil()
    else schema.write(writer, value)
  },
  read: (reader) => (reader.nil() ? null : schema.read(reader)),
})

export const list = <T>(schema: Schema<T>, max: number): Schema<readonly T[]> => ({
  write(writer, values) {
    writer.array(values.length)
    for (const value of values) schema.write(writer, value)
  },
  read(reader) {
    const values: T[] = []
    for (let left = reader.array(max); left > 0; left--) values.push(schema.read(reader))
    return values
  },
})

/** One of a closed set of words, as its place in the list: append new ones at the end. */
export function word<T extends string>(places: Readonly<Record<T, number>>): Schema<T> {
  const words = new Map(Object.entries<number>(places).map(([name, place]) => [place, name as T]))
  return {
    write: (writer, value) => writer.uint(places[value]),
    read: (reader) => words.get(reader.uint()) ?? refuse('unknown word'),
  }
}

export function struct<T extends object>(fields: Fields<T>): Schema<T> {
  const { length, ...compiled } = columnsOf(fields)
  return {
    write(writer, value) {
      writer.array(length)
      compiled.write(writer, value)
    },
    read(reader) {
      reader.tuple(length)
      return compiled.read(reader) as T
    },
  }
}

const fieldsMax = 32

interface Columns extends CompiledFields<Writer, Reader> {
  readonly length: number
}

interface Variant extends Columns {
  readonly tag: number
}

/** A union travels as its tag, then the fields of that variant. */
export function union<T extends { readonly type: string }>(variants: Variants<T>): Schema<T> {
  const byType = new Map<string, Variant>()
  const byTag = new Map<number, Variant>()
  for (const [type, [tag, fields]] of Object.entries<readonly [number, object]>(variants)) {
    const variant = { tag, ...columnsOf(fields, { type }) }
    assert(!byTag.has(tag), 'a tag names one variant')
    byType.set(type, variant)
    byTag.set(tag, variant)
  }
  return {
    write(writer, value) {
      const variant = present(byType.get(value.type), 'every variant has a schema')
      writer.array(1 + variant.length)
      writer.uint(variant.tag)
      variant.write(writer, value)
    },
    read(reader) {
      const length = reader.array(fieldsMax)
      const variant = byTag.get(reader.uint()) ?? refuse('unknown variant')
      if (length !== 1 + variant.length) refuse('wrong number of fields')
      return variant.read(reader) as T
    },
  }
}

const columnsOf = (fields: object, fixed?: { readonly type: string }): Columns => ({
  length: Object.keys(fields).length,
  ...compileFields(fields as Record<string, Schema<never>>, fixed),
})

function refuse(reason: string): never {
  throw new Malformed(reason)
}
