import { assert, present } from '#base/assert.ts'
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
  const { names, schemas } = columns(fields)
  return {
    write(writer, value) {
      writer.array(names.length)
      writeFields(writer, value as Record<string, unknown>, names, schemas)
    },
    read(reader) {
      reader.tuple(names.length)
      const value: Record<string, unknown> = {}
      readFields(reader, value, names, schemas)
      return value as T
    },
  }
}

const fieldsMax = 32

interface Variant {
  readonly type: string
  readonly tag: number
  readonly names: readonly string[]
  readonly schemas: readonly Schema<unknown>[]
}

/** A union travels as its tag, then the fields of that variant. */
export function union<T extends { readonly type: string }>(variants: Variants<T>): Schema<T> {
  const byType = new Map<string, Variant>()
  const byTag = new Map<number, Variant>()
  for (const [type, [tag, fields]] of Object.entries<readonly [number, object]>(variants)) {
    const variant = { type, tag, ...columns(fields) }
    assert(!byTag.has(tag), 'a tag names one variant')
    byType.set(type, variant)
    byTag.set(tag, variant)
  }
  return {
    write(writer, value) {
      const { tag, names, schemas } = present(byType.get(value.type), 'every variant has a schema')
      writer.array(1 + names.length)
      writer.uint(tag)
      writeFields(writer, value, names, schemas)
    },
    read(reader) {
      const length = reader.array(fieldsMax)
      const { type, names, schemas } = byTag.get(reader.uint()) ?? refuse('unknown variant')
      if (length !== 1 + names.length) refuse('wrong number of fields')
      const value: Record<string, unknown> = { type }
      readFields(reader, value, names, schemas)
      return value as unknown as T
    },
  }
}

function columns(fields: object): { readonly names: readonly string[]; readonly schemas: readonly Schema<unknown>[] } {
  return { names: Object.keys(fields), schemas: Object.values(fields) as Schema<unknown>[] }
}

function writeFields(
  writer: Writer,
  value: Readonly<Record<string, unknown>>,
  names: readonly string[],
  schemas: readonly Schema<unknown>[],
): void {
  for (let place = 0; place < names.length; place++) (schemas[place] as Schema<unknown>).write(writer, value[names[place] as string])
}

function readFields(reader: Reader, value: Record<string, unknown>, names: readonly string[], schemas: readonly Schema<unknown>[]): void {
  for (let place = 0; place < names.length; place++) value[names[place] as string] = (schemas[place] as Schema<unknown>).read(reader)
}

function refuse(reason: string): never {
  throw new Malformed(reason)
}
