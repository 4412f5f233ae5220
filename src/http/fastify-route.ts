import type { FastifyInstance, FastifyRequest, preValidationHookHandler, RouteShorthandOptions } from 'fastify'
import type { TObject, TSchema } from 'typebox'
import type { Route } from '#api/route.ts'
import { hasFields, requiresFields } from '#api/route.ts'
import type { BoundRoute } from './bound-route.ts'
import type { CallScope } from './call-scope.ts'

/** `/locks/{resource_id}` is `/locks/:resource_id`. */
export const routerPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1')

/** Makes a route of the table one of the server: its schemas check what comes in, and write the JSON that goes out. */
export function addRoute(fastify: FastifyInstance, { route, serve }: BoundRoute, calls: CallScope): void {
  const { method, path, streams, raw, bodyBytesMax } = route
  const prepare = preparing(route)
  fastify.route({
    method,
    url: routerPath(path),
    exposeHeadRoute: method === 'GET' && !streams,
    schema: schemaOf(route),
    config: { raw, route },
    ...(bodyBytesMax === null ? {} : { bodyLimit: bodyBytesMax }),
    ...(prepare === null ? {} : { preValidation: prepare }),
    handler: (request, reply) => serve(request, reply, calls.open(request, reply)),
  })
}

/** What a request needs before it is checked; null for most. */
function preparing({ method, query, body }: Route): preValidationHookHandler | null {
  const numbers = integersOf(query)
  const mayLackBody = !requiresFields(body) && method !== 'GET'
  if (numbers.length === 0 && !mayLackBody) return null
  return (request, _reply, done) => {
    if (mayLackBody) request.body ??= {}
    if (numbers.length > 0) readNumbers(request, numbers)
    done()
  }
}

function schemaOf({ method, params, query, body, answers }: Route): NonNullable<RouteShorthandOptions['schema']> {
  const json = answers.flatMap(({ status, content }): readonly (readonly [number, TSchema])[] => {
    const { 'application/json': schema } = content
    return schema === undefined || Object.keys(content).length > 1 || !('properties' in schema) ? [] : [[status, schema]]
  })
  return {
    ...(hasFields(params) ? { params } : {}),
    querystring: query,
    ...(method === 'GET' ? {} : { body }),
    response: Object.fromEntries(json),
  }
}

const integersOf = ({ properties }: TObject): readonly string[] =>
  Object.entries(properties).flatMap(([name, schema]) => ('type' in schema && schema.type === 'integer' ? [name] : []))

/** A query is all text: what reads as an integer is one, and anything else is left for the schema to refuse. */
function readNumbers(request: FastifyRequest, names: readonly string[]): void {
  const query = request.query as Record<string, unknown>
  for (const name of names) {
    const text = query[name]
    if (typeof text === 'string' && /^-?\d{1,15}$/.test(text)) query[name] = Number(text)
  }
}
