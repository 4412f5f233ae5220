import fc from 'fast-check'

/** What of JSON Schema the API is written in. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly maxProperties?: number
  readonly propertyNames?: JsonSchema
  readonly items?: JsonSchema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
}

/** Values that a schema takes, small ones mostly: rules that no schema can say may still refuse them. */
export function valuesOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((one) => valuesOf(one)))
  const types = schema.type === undefined ? [] : [schema.type].flat()
  if (types.length === 0) return fc.jsonValue({ maxDepth: 2 })
  return fc.oneof(...types.map((type) => valuesOfType(type, schema)))
}

function valuesOfType(type: string, schema: JsonSchema): fc.Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1_000, max: Math.min(schema.maximum ?? 1_000, (schema.minimum ?? 0) + 1_000) })
    case 'string':
      return textsOf(schema)
    case 'array':
      return listsOf(schema)
    case 'object':
      return objectsOf(schema)
    default:
      throw new Error(`no values of the type ${type} are known`)
  }
}

function textsOf({ minLength = 0, maxLength = 16, pattern, format }: JsonSchema): fc.Arbitrary<unknown> {
  if (format === 'date-time')
    return fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true }).map((at) => at.toISOString())
  const plain = fc.string({
    minLength,
    maxLength: Math.max(minLength, Math.min(maxLength, 16)),
    unit: fc.constantFrom('a', 'b', 'Z', '0', '9', '-'),
  })
  if (pattern === undefined) return plain
  const expected = new RegExp(pattern, 'u')
  // Most patterns forbid a few characters; what is plain fits those.
  return expected.test('a'.repeat(Math.max(1, minLength))) ? plain.filter((text) => expected.test(text)) : fc.stringMatching(expected)
}

const listsOf = ({ items = {}, minItems = 0, maxItems = 3 }: JsonSchema): fc.Arbitrary<unknown> =>
  fc.array(valuesOf(items), { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, 3)) })

function objectsOf({ properties = {}, required = [], additionalProperties = false }: JsonSchema): fc.Arbitrary<unknown> {
  if (typeof additionalProperties !== 'boolean')
    return fc.dictionary(fc.constantFrom('h1', 'h2', 'h3'), valuesOf(additionalProperties), { noNullPrototype: true })
  const fields = fc.record(Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, valuesOf(schema)])))
  const optional = Object.keys(properties).filter((name) => !required.includes(name))
  // Few of them at once: many exclude each other.
  return fc.tuple(fields, fc.subarray(optional, { maxLength: Math.min(2, optional.length) })).map(([all, chosen]) => {
    return Object.fromEntries(Object.entries(all).filter(([name]) => required.includes(name) || chosen.includes(name)))
  })
}
