import type { Json, OpenApiDocument } from '#api/openapi.ts'
import { escaped, prose } from './html.ts'

type Schemas = OpenApiDocument['components']['schemas']

/** A schema as nested lists: what each field holds, its limits, and what it is for. */
export function schemaList(schema: Json, schemas: Schemas): string {
  const found = resolved(schema, schemas)
  const alternatives = found['anyOf']
  if (Array.isArray(alternatives)) return alternatives.map((each: Json) => schemaList(each, schemas)).join('<p>or</p>')
  const required = (found['required'] ?? []) as readonly string[]
  const properties = Object.entries((found['properties'] ?? {}) as Readonly<Record<string, Json>>)
  const items = properties.map(([name, field]) => fieldItem(name, { field, isRequired: required.includes(name), schemas }))
  return items.length === 0 ? '' : `<ul>${items.join('')}</ul>`
}

export function fieldItem(name: string, { field, isRequired, schemas }: FieldOptions): string {
  const found = resolved(field, schemas)
  const { description } = found
  const inner = found['items'] === undefined ? found : (found['items'] as Json)
  const note = typeof description === 'string' ? ` ${prose(description)}` : ''
  return `<li><code>${escaped(name)}</code> <i>${escaped(wordsFor(found, schemas))}${isRequired ? '' : ', optional'}</i>${note}${schemaList(inner, schemas)}</li>`
}

interface FieldOptions {
  readonly field: Json
  readonly isRequired: boolean
  readonly schemas: Schemas
}

function resolved(schema: Json, schemas: Schemas): Json {
  const { $ref } = schema
  return typeof $ref === 'string' ? (schemas[$ref.split('/').at(-1) ?? ''] ?? {}) : schema
}

function wordsFor(schema: Json, schemas: Schemas): string {
  const { type, enum: values, const: value, items, minItems = 0, maxItems, pattern, format, 'x-bytes-max': bytesMax } = schema
  const { minimum, maximum, default: fallback } = schema
  const isList = type === 'array'
  const inner = isList ? wordsFor(resolved((items ?? {}) as Json, schemas), schemas) : ''
  const parts = [
    value !== undefined
      ? JSON.stringify(value)
      : Array.isArray(values)
        ? values.map((each) => JSON.stringify(each)).join(' | ')
        : typeWords(type),
    isList && typeof maxItems === 'number' ? `of ${Number(minItems)} to ${maxItems}` : '',
    isList && inner !== '' ? `(${inner})` : '',
    typeof minimum === 'number' && typeof maximum === 'number' ? rangeWords(minimum, maximum) : '',
    typeof bytesMax === 'number' ? `up to ${bytesMax} bytes` : '',
    typeof pattern === 'string' ? `like ${pattern}` : '',
    format === 'date-time' ? 'an instant, ISO 8601' : '',
    fallback === undefined ? '' : `default ${JSON.stringify(fallback)}`,
  ]
  return parts.filter((part) => part !== '').join(' ')
}

const rangeWords = (minimum: number, maximum: number): string =>
  maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum}` : `${minimum} to ${maximum}`

function typeWords(type: unknown): string {
  if (Array.isArray(type)) return type.map((each) => typeWords(each)).join(' or ')
  return typeof type === 'string' ? (names.get(type) ?? type) : ''
}

const names = new Map([
  ['string', 'text'],
  ['array', 'list'],
  ['boolean', 'true or false'],
])
