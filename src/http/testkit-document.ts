import { deepEqual, ok } from 'node:assert/strict'
import type { LightMyRequestResponse } from 'fastify'
import { Value } from 'typebox/value'
import type { Json, OpenApiDocument, Operation } from '#api/openapi.ts'
import type { NodeHttp } from './node-http.ts'

export async function documentOf({ http }: { readonly http: NodeHttp }): Promise<OpenApiDocument> {
  return (await http.fastify.inject('/openapi.json')).json<OpenApiDocument>()
}

export interface Documented {
  readonly path: string
  readonly method: string
  readonly operation: Operation
}

export const operationsOf = ({ paths }: OpenApiDocument): readonly Documented[] =>
  Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })))

/** With every reference replaced by what it refers to. */
function inlined(value: unknown, { components }: OpenApiDocument): unknown {
  const inline = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.map(inline)
    if (typeof item !== 'object' || item === null) return item
    if ('$ref' in item) return inline(components.schemas[String(item.$ref).split('/').at(-1) ?? ''])
    return Object.fromEntries(Object.entries(item).map(([key, inner]) => [key, inline(inner)]))
  }
  return inline(value)
}

/** Fails unless the answer is one that the document has for this call. */
export function isDocumented(response: LightMyRequestResponse, id: string, document: OpenApiDocument): void {
  const found = operationsOf(document).find(({ operation }) => operation.operationId === id)
  const documented = found?.operation.responses[String(response.statusCode)]
  ok(documented !== undefined, `${id} answers ${response.statusCode}, which is not documented: ${response.body}`)
  const [type = ''] = String(response.headers['content-type']).split(';')
  const schema = documented.content[type]?.schema
  ok(schema !== undefined, `${id} answers ${type}, which is not documented`)
  const errors = faultsAgainst(schema, type === 'application/json' ? response.json() : response.body, document)
  deepEqual(errors, [], `${id} answers ${response.body}`)
}

export function faultsAgainst(schema: Json, value: unknown, document: OpenApiDocument): readonly string[] {
  return Value.Errors(inlined(schema, document) as never, value).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

/** What the server has, as `GET /locks/:resource_id`. */
export async function routesOf({ http: { fastify } }: { readonly http: NodeHttp }): Promise<readonly string[]> {
  await fastify.ready()
  return routesIn(fastify.printRoutes({ commonPrefix: false })).toSorted()
}

/** What Fastify prints is a tree: a line has its own part of the path, four columns deeper than the part before it. */
function routesIn(tree: string): readonly string[] {
  const parts: string[] = []
  return tree.split('\n').flatMap((line) => {
    const match = /^(?<indent>.*)[├└]── (?<part>\S*)(?: \((?<methods>[A-Z, ]+)\))?/.exec(line)
    if (match === null) return []
    const { indent = '', part = '', methods = '' } = match.groups ?? {}
    parts.splice(indent.length / 4, Infinity, part)
    const found = methods.split(', ').filter((method) => method !== '' && method !== 'HEAD')
    return found.map((method) => `${method} ${parts.join('')}`)
  })
}

/** The same of the document. */
export const documentedRoutes = (document: OpenApiDocument): readonly string[] =>
  operationsOf(document)
    .map(({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`)
    .toSorted()

/** Of all that calls take: texts, numbers, lists and objects without a limit, and durations whose name does not say their unit. */
export function limitFaults(document: OpenApiDocument): { readonly faults: readonly string[]; readonly seen: number } {
  const faults: string[] = []
  let seen = 0
  const look = (schema: unknown, name: string): void => {
    const { type, $ref, enum: values, properties = {}, items, ...limits } = schema as Record<string, never>
    if (typeof $ref === 'string') return look(document.components.schemas[String($ref).split('/').at(-1) ?? ''], name)
    const { additionalProperties: others } = limits as Readonly<Record<string, unknown>>
    const fits = {
      text: type !== 'string' || values !== undefined || 'maxLength' in limits || 'pattern' in limits,
      number: (type !== 'integer' && type !== 'number') || ('minimum' in limits && 'maximum' in limits),
      list: type !== 'array' || 'maxItems' in limits,
      object: type !== 'object' || others === false || 'maxProperties' in limits,
      unit: !/ttl|wait|delay|after_ms/.test(name) || name.endsWith('_ms'),
    }
    for (const [what, isFit] of Object.entries(fits)) if (!isFit) faults.push(`${name}: ${what}`)
    seen++
    for (const [inner, field] of Object.entries(properties)) look(field, inner)
    if (items !== undefined) look(items, name)
    if (typeof others === 'object') look(others, name)
    return undefined
  }
  for (const { operation } of operationsOf(document)) {
    for (const { name, schema } of operation.parameters ?? []) if (name !== 'after') look(schema, name)
    const body = operation.requestBody?.content['application/json']?.schema
    if (body !== undefined) look(body, 'body')
  }
  return { faults, seen }
}
