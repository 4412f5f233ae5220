import { deepEqual, ok } from 'node:assert/strict'
import type { LightMyRequestResponse } from 'fastify'
import { Value } from 'typebox/value'
import type { Json, OpenApiDocument, Operation } from '#api/openapi.ts'
import type { Served } from './testkit.ts'

export async function documentOf({ http }: Served): Promise<OpenApiDocument> {
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
