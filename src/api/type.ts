import type { TProperties, TSchema, Type as TypeBox } from 'typebox'

/**
 * What is used of TypeBox, under its names and with its types: functions that write JSON Schema. The library itself is some 370 modules,
 * most of them for types that are worked out at run time, and every start of a node or of a command would load them.
 */

type Options = Readonly<Record<string, unknown>>

/** Not enumerable, so that it is no part of the schema. */
const optionalMark = '~optional'
const isOptional = (schema: TSchema): boolean => optionalMark in schema

const optional = (schema: TSchema): TSchema =>
  Object.defineProperty({ ...schema }, optionalMark, { value: true, enumerable: false, writable: false })

function object(properties: TProperties, options: Options = {}): TSchema {
  const required = Object.entries(properties).flatMap(([name, schema]) => (isOptional(schema) ? [] : [name]))
  return { type: 'object', ...(required.length === 0 ? {} : { required }), properties, ...options }
}

const partial = ({ properties }: { readonly properties: TProperties }, options: Options = {}): TSchema =>
  object(Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, optional(schema)])), options)

const simple =
  (type: string) =>
  (options: Options = {}): TSchema => ({ type, ...options })

const builders = {
  String: simple('string'),
  Number: simple('number'),
  Integer: simple('integer'),
  Boolean: simple('boolean'),
  Null: simple('null'),
  Literal: (value: string | number | boolean, options: Options = {}): TSchema => ({ type: typeof value, const: value, ...options }),
  Array: (items: TSchema, options: Options = {}): TSchema => ({ type: 'array', items, ...options }),
  Union: (anyOf: readonly TSchema[], options: Options = {}): TSchema => ({ anyOf, ...options }),
  /** With any names. */
  Record: (_: TSchema, values: TSchema, options: Options = {}): TSchema => ({
    type: 'object',
    patternProperties: { '^.*$': values },
    ...options,
  }),
  Object: object,
  Partial: partial,
  Optional: optional,
  Unsafe: (schema: Options): TSchema => ({ ...schema }),
}

// The types say of each schema which values it describes; at run time there is only the schema.
export const Type = builders as unknown as Pick<typeof TypeBox, keyof typeof builders>
