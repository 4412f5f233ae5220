import type { TObject } from 'typebox'
import { assert } from '#base/assert.ts'
import type { Access } from '#api/access/access.ts'
import { roleOf } from '#api/access/access.ts'
import type { ErrorCode } from './errors.ts'
import { errorRegistry, errorSchema } from './errors.ts'
import type { Answer, Route } from './route.ts'
import { errorsOf, hasFields, requiresFields } from './route.ts'

/** The part of OpenAPI 3.1 that is used here. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string; readonly description: string; readonly license: object }
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, Json>>
    readonly headers: Readonly<Record<string, Json>>
    readonly securitySchemes: Readonly<Record<string, Json>>
  }
}

export interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
  /** Empty: anybody may. */
  readonly security: readonly Json[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, { readonly schema: Json }>> }
  readonly responses: Readonly<Record<string, Response>>
}

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly description?: string
  readonly schema: Json
}

export interface Response {
  readonly description: string
  readonly headers: Json
  readonly content: Readonly<Record<string, { readonly schema: Json }>>
}

export type Json = Readonly<Record<string, unknown>>

/** Describes exactly these routes. */
export function openApiDocument(routes: readonly Route[], info: { readonly title: string; readonly version: string }): OpenApiDocument {
  const components = new Components()
  const paths: Record<string, Record<string, Operation>> = {}
  for (const each of routes) {
    const methods = (paths[each.path] ??= {})
    const method = each.method.toLowerCase()
    assert(methods[method] === undefined, 'a method of a path has one route')
    methods[method] = operationOf(each, components)
  }
  return {
    openapi: '3.1.0',
    info: { ...info, description: conventions, license: { name: 'MIT', identifier: 'MIT' } },
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: { schemas: components.schemas, headers, securitySchemes },
  }
}

const conventions =
  'Every node answers every call. Durations are whole milliseconds and end in `_ms`; instants are ISO 8601 in UTC. Errors have one shape, and a stable `code`. Bodies are `application/json`; a field that is not known is refused.'

const securitySchemes = {
  token: { type: 'http', scheme: 'bearer', description: 'Asked for where the cluster was started with tokens, and only there.' },
} as const

const headers = {
  RequestId: { description: 'Names this request in the log of the node.', schema: { type: 'string' } },
  RetryAfter: { description: 'When to ask again, in seconds.', schema: { type: 'integer', minimum: 1 } },
} as const

const requestId = { 'x-request-id': { $ref: '#/components/headers/RequestId' } }
const retryAfter = { 'retry-after': { $ref: '#/components/headers/RetryAfter' } }

function operationOf(route: Route, components: Components): Operation {
  const { id, tag, summary, params, query, body } = route
  const description = [route.description, rightsOf(route.access)].filter((sentence) => sentence !== '').join(' ')
  const parameters = [...parametersOf('path', params, components), ...parametersOf('query', query, components)]
  const answers = route.answers.map((answer) => [String(answer.status), responseOf(answer, components)] as const)
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === '' ? {} : { description }),
    security: route.access.type === 'open' ? [] : [{ token: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(hasFields(body)
      ? { requestBody: { required: requiresFields(body), content: { 'application/json': { schema: components.place(body) } } } }
      : {}),
    responses: { ...Object.fromEntries(answers), ...errorResponses(route, components) },
  }
}

/** What of a token a call needs. */
function rightsOf(access: Access): string {
  if (access.type === 'mixed') return 'Each part needs the role of the call for one.'
  const role = roleOf(access)
  const needs = role === null ? [] : [`Needs the role \`${role}\`.`]
  if (access.type === 'everything') needs.push('A token with prefixes will not do.')
  if (access.type === 'listing') needs.push('To a token with prefixes it shows what begins with one of them.')
  return needs.join(' ')
}

function parametersOf(place: Parameter['in'], schema: TObject, components: Components): readonly Parameter[] {
  // Its type does not say that it is left out when it would be empty.
  const required = (schema.required as readonly string[] | undefined) ?? []
  return Object.entries(schema.properties).map(([name, field]) => {
    const { description, ...rest } = components.place(field)
    const common = { name, in: place, required: required.includes(name), schema: rest }
    return typeof description === 'string' ? { ...common, description } : common
  })
}

function responseOf({ description, content }: Answer, components: Components): Response {
  const schemas = Object.entries(content).map(([type, schema]) => [type, { schema: components.place(schema) }] as const)
  return { description, headers: requestId, content: Object.fromEntries(schemas) }
}

/** By status: several errors may share one. */
function errorResponses(route: Route, components: Components): Readonly<Record<string, Response>> {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of errorsOf(route)) {
    const { status } = errorRegistry[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const responses = [...byStatus].map(([status, codes]) => {
    const schemas = codes.map((code) => components.place(errorSchema(code, route.repeatable)))
    const waits = codes.some((code) => 'retry_after_ms' in errorRegistry[code].details)
    const description = codes.map((code) => `\`${code}\`: ${errorRegistry[code].summary}`).join('\n\n')
    const schema = schemas.length === 1 ? schemas[0] : { anyOf: schemas }
    const response = { description, headers: { ...requestId, ...(waits ? retryAfter : {}) }, content: { 'application/json': { schema } } }
    return [String(status), response] as const
  })
  return Object.fromEntries(responses) as Readonly<Record<string, Response>>
}

/** Takes every schema that has a title out of its place, so that it is written once. */
class Components {
  readonly schemas: Record<string, Json> = {}

  place(schema: unknown): Json {
    return this.#placed(JSON.parse(JSON.stringify(schema)) as Json) as Json
  }

  #placed(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#placed(item))
    if (typeof value !== 'object' || value === null) return value
    const placed = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#placed(item)]))
    const { title, ...rest } = placed
    if (typeof title !== 'string') return placed
    const before = this.schemas[title]
    assert(before === undefined || JSON.stringify(before) === JSON.stringify(rest), 'a title names one schema')
    this.schemas[title] = rest
    return { $ref: `#/components/schemas/${title}` }
  }
}
