import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Type as TypeBox } from 'typebox'
import { Type } from './type.ts'

type Builders = Pick<typeof TypeBox, keyof typeof Type>

/** One of each kind, with and without options. */
const schemasBy = (type: Builders): Readonly<Record<string, unknown>> => {
  const fields = { name: type.String({ minLength: 1 }), count: type.Optional(type.Integer({ minimum: 0, description: 'How many.' })) }
  return {
    number: type.Number({ description: 'A number.' }),
    boolean: type.Boolean(),
    null: type.Null(),
    literals: [type.Literal('a', { description: 'A word.' }), type.Literal(1), type.Literal(true)],
    array: type.Array(type.String(), { maxItems: 3 }),
    union: type.Union([type.String(), type.Null()], { description: 'Either.' }),
    record: type.Record(type.String(), type.Integer(), { description: 'By name.' }),
    empty: type.Object({}, { additionalProperties: false }),
    object: type.Object(fields, { additionalProperties: false, title: 'Named' }),
    optionalOnly: type.Object({ count: type.Optional(type.Array(type.Number())) }),
    partial: type.Partial(type.Object(fields, { title: 'Named' }), { additionalProperties: false, title: 'NamedChange' }),
    ofPartial: type.Object(type.Partial(type.Object(fields)).properties),
    unsafe: type.Unsafe<'x' | 'y'>({ type: 'string', enum: ['x', 'y'] }),
    optional: type.Optional(type.Unsafe<number>({ description: 'Anything.' })),
  }
}

test('schemas are those that TypeBox writes', () => {
  const [ours, theirs] = [schemasBy(Type), schemasBy(TypeBox)].map((schemas) => JSON.stringify(schemas))
  deepEqual(JSON.parse(ours ?? ''), JSON.parse(theirs ?? ''))
  equal(ours, theirs, 'in the same order')
})

test('an optional schema leaves the one that it was made of as it was', () => {
  const name = Type.String()
  Type.Optional(name)
  deepEqual(Object.keys(Type.Object({ name })), ['type', 'required', 'properties'])
})
