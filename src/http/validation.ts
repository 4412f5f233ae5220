import type { FastifyServerOptions } from 'fastify'
import type { Fault } from '#api/errors.ts'
import { ApiError, faultOf } from '#api/errors.ts'
import { byteLimitKeyword, fitsBytes } from '#api/schemas.ts'

/** How requests are checked, and what is said of those that do not fit their schema. */

/** A request says what it means: no field is dropped, no text is taken for a number, and no default is slipped in. */
export const validatorOptions: NonNullable<FastifyServerOptions['ajv']> = {
  customOptions: {
    removeAdditional: false,
    coerceTypes: false,
    useDefaults: false,
    // Errors then bring along what was seen, and what was expected.
    verbose: true,
    validateSchema: false,
    keywords: [{ keyword: byteLimitKeyword, type: 'string', schemaType: 'number', validate: fitsBytes }],
  },
}

/** What the validator says: JSON pointer, rule, and with `verbose` the value and the schema. */
export interface SchemaError {
  readonly instancePath: string
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
  readonly data?: unknown
  readonly parentSchema?: Readonly<Record<string, unknown>>
}

/** `part` is what was checked: `body`, `params` or `querystring`. */
export function validationError(errors: readonly SchemaError[], part: string): ApiError {
  const [first] = errors
  const fault = first === undefined ? faultOf('invalid_request', 'the request does not fit', {}) : faultOfSchemaError(first, part)
  return new ApiError(fault)
}

function faultOfSchemaError({ instancePath, keyword, params, data, parentSchema = {} }: SchemaError, part: string): Fault {
  const path = fieldOf(instancePath)
  if (keyword === 'additionalProperties') {
    const field = joined(path, cut(String(params['additionalProperty'])))
    const known = Object.keys(parentSchema['properties'] ?? {})
    const what = known.length === 0 ? 'nothing' : known.join(', ')
    return invalid(field, `is not known here: expected is ${what}. Leave it out`)
  }
  if (keyword === 'required') {
    const field = joined(path, String(params['missingProperty']))
    return invalid(field, `is missing: expected is ${expectedOf(propertyOf(parentSchema, String(params['missingProperty'])))}`)
  }
  const field = path === '' ? part : path
  return invalid(field, `expected is ${expectedOf(parentSchema)}, and ${seen(data, parentSchema)} was sent`)
}

const invalid = (field: string, what: string): Fault => faultOf('invalid_request', `${field}: ${what}`, { field })

/** `/resources/0/resource_id` is `resources[0].resource_id`. */
function fieldOf(pointer: string): string {
  const steps = pointer.split('/').slice(1)
  return steps.reduce((path, step) => (/^\d+$/.test(step) ? `${path}[${step}]` : joined(path, step)), '')
}

const joined = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

const cut = (text: string): string => (text.length > 64 ? `${text.slice(0, 63)}…` : text).toWellFormed()

function propertyOf(schema: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>
  return properties[name] ?? {}
}

function expectedOf(schema: Readonly<Record<string, unknown>>): string {
  const { type, enum: values, minimum, maximum, minItems, maxItems, maxProperties, format } = schema
  if (Array.isArray(type)) return `${expectedOf({ ...schema, type: type.find((name) => name !== 'null') })} or null`
  if (Array.isArray(values)) return `one of ${values.map((value) => JSON.stringify(value)).join(', ')}`
  if (format === 'date-time') return 'an instant, as 2026-01-31T12:00:00Z'
  if (type === 'string') return expectedText(schema)
  if (type === 'integer') return `an integer from ${Number(minimum)} to ${Number(maximum)}`
  if (type === 'array') return `a list of ${Number(minItems ?? 0)} to ${Number(maxItems)}`
  if (type === 'boolean') return 'true or false'
  if (type === 'object') return maxProperties === undefined ? 'a JSON object' : `a JSON object of at most ${Number(maxProperties)} fields`
  return type === undefined ? 'any JSON' : 'something else'
}

function expectedText({ minLength, pattern, [byteLimitKeyword]: bytesMax }: Readonly<Record<string, unknown>>): string {
  const length = typeof bytesMax === 'number' ? ` of ${Number(minLength ?? 0)} to ${bytesMax} bytes in UTF-8` : ''
  return `text${length}${typeof pattern === 'string' ? ` that matches ${pattern}` : ''}`
}

function seen(value: unknown, { [byteLimitKeyword]: bytesMax }: Readonly<Record<string, unknown>>): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return `an object of ${Object.keys(value).length} fields`
  // JSON has no limit to its numbers, and a program has one.
  if (value === Infinity || value === -Infinity) return 'a number beyond all limits'
  if (typeof value !== 'string') return cut(JSON.stringify(value))
  if (!value.isWellFormed()) return 'text with half of a surrogate pair'
  const bytes = Buffer.byteLength(value)
  return typeof bytesMax === 'number' && bytes > bytesMax ? `text of ${bytes} bytes` : `the text ${JSON.stringify(cut(value))}`
}
