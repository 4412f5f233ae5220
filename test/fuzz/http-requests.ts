import fc from 'fast-check'
import type { Method, Route } from '#api/route.ts'
import { hasFields } from '#api/route.ts'
import { httpLimits } from '#http/limits.ts'
import type { JsonSchema } from './schema-values.ts'
import { valuesOf } from './schema-values.ts'
import { bytesOfSpoiled, textsOfSpoiled } from './spoiled-json.ts'

export interface HttpRequest {
  readonly method: Method | 'PATCH'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | null
}

/** Stands in every request where credentials may stand: it must not come back. */
export const secret = 'hunter2-never-say-this'

const json = { 'content-type': 'application/json' } as const
const schemaOf = (schema: Route['body']): JsonSchema => schema

function pathsOf(route: Route): fc.Arbitrary<string> {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
  const { properties = {} } = schemaOf(route.params)
  const values = names.map((name) => valuesOf(properties[name] ?? {}))
  return fc.tuple(...values).map((given) => {
    return names.reduce((path, name, at) => path.replace(`{${name}}`, encodeURIComponent(String(given[at]))), route.path)
  })
}

function queriesOf(route: Route): fc.Arbitrary<string> {
  if (!hasFields(route.query)) return fc.constant('')
  return valuesOf(schemaOf(route.query)).map((query) => {
    const given = Object.entries(query as object).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    return given.length === 0 ? '' : `?${given.join('&')}`
  })
}

const bodiesOf = (route: Route): fc.Arbitrary<Buffer | null> =>
  hasFields(route.body) ? valuesOf(schemaOf(route.body)).map((body) => Buffer.from(JSON.stringify(body))) : fc.constant(null)

/** Requests that fit the schemas of a route. */
export function goodRequests(route: Route): fc.Arbitrary<HttpRequest> {
  return fc.tuple(pathsOf(route), queriesOf(route), bodiesOf(route)).map(([path, query, body]) => {
    return { method: route.method, url: path + query, headers: body === null ? {} : json, body }
  })
}

const noise = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => encodeURIComponent(text.toWellFormed()))
const badPieces = fc.oneof(
  noise,
  fc.constantFrom('%zz', '%', '%00', '%c3%28', '%ff', '%2e%2e%2f', 'x'.repeat(1_025), '%2F'.repeat(400), '__proto__', '%F0%9F%92%A9'),
)

/** Where a call has no parameters nobody looks at them, and a stream that is begun has no end. */
const placesOf = (route: Route): readonly string[] =>
  route.streams ? ['method', 'more', ...(hasFields(route.query) ? ['name'] : [])] : ['segment', 'parameter', 'name', 'method', 'more']

/** A route's request with a part of its address replaced, added or said twice. */
const badAddresses = (route: Route): fc.Arbitrary<HttpRequest> =>
  fc.tuple(goodRequests(route), badPieces, fc.constantFrom(...placesOf(route))).map(([good, piece, where]) => {
    const [path = '/', query = ''] = good.url.split('?')
    const given = query === '' ? '' : `${query}&`
    if (where === 'segment') return { ...good, url: path.replace(/[^/]*$/, () => piece) + (query === '' ? '' : `?${query}`) }
    if (where === 'parameter') return { ...good, url: `${path}?${given}${(query === '' ? 'limit' : query).split('=')[0]}=${piece}` }
    if (where === 'name') return { ...good, url: `${path}?${given}nobody-knows=${piece}` }
    if (where === 'more') return { ...good, url: `${path}/more/${piece}` }
    return { ...good, method: 'PATCH' }
  })

const contentTypes = [
  '',
  'text/plain',
  'application/jsonp',
  'application/json; charset=utf-16',
  'multipart/form-data',
  '*/*',
  'a'.repeat(500),
  'application/json, x/y',
]
const badHeaders: fc.Arbitrary<Readonly<Record<string, string>>> = fc.oneof(
  fc.constantFrom(...contentTypes).map((type) => ({ 'content-type': type })),
  fc.constantFrom('"}{', 'é', 'x'.repeat(2_000), '').map((id) => ({ ...json, 'x-request-id': id })),
  fc.constantFrom('text/html;q=2', '*/*;q=', ',,,', 'x'.repeat(4_000)).map((accept) => ({ ...json, accept })),
  fc.constantFrom('gzip', 'br, gzip', 'identity').map((encoding) => ({ ...json, 'content-encoding': encoding })),
  fc.constantFrom('100-continue', 'x').map((expectation) => ({ ...json, 'x-expect': expectation, 'last-event-id': '\u0001' })),
)

function spoiledBodies(route: Route): fc.Arbitrary<Buffer> {
  const values = valuesOf(schemaOf(route.body))
  const texts = textsOfSpoiled(values)
  return fc.oneof(
    { weight: 12, arbitrary: texts.map((text) => Buffer.from(text)) },
    {
      weight: 5,
      arbitrary: bytesOfSpoiled(
        fc.oneof(
          texts,
          values.map((value) => JSON.stringify(value)),
        ),
      ),
    },
    { weight: 2, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  )
}

const withBody = (route: Route, bodies: fc.Arbitrary<Buffer>, headers: fc.Arbitrary<HttpRequest['headers']>): fc.Arbitrary<HttpRequest> =>
  fc.tuple(goodRequests(route), bodies, headers).map(([good, body, given]) => ({ ...good, headers: given, body }))

/** What inputs are called when they are kept. */
export const wrongRequestsOf = ({ method, path }: Route): string => `wrong ${method} ${path}`
export const rightRequestsOf = ({ method, path }: Route): string => `right ${method} ${path}`

/** One byte more than the call takes. */
export const oversized = (route: Route): HttpRequest => {
  const path = route.path.replaceAll(/\{\w+\}/g, 'x')
  return { method: route.method, url: path, headers: json, body: Buffer.alloc((route.bodyBytesMax ?? httpLimits.bodyBytesMax) + 1, '[') }
}

/** Requests that are mostly wrong in one thing, of every kind a route gives occasion for. */
export function badRequests(route: Route): fc.Arbitrary<HttpRequest> {
  const addresses = badAddresses(route)
  if (!hasFields(route.body)) return withSecret(addresses)
  const spoiled = withBody(route, spoiledBodies(route), fc.constant(json))
  const headed = withBody(
    route,
    bodiesOf(route).map((body) => body ?? Buffer.alloc(0)),
    badHeaders,
  )
  return withSecret(fc.oneof({ weight: 6, arbitrary: spoiled }, { weight: 2, arbitrary: addresses }, { weight: 1, arbitrary: headed }))
}

function withSecret(requests: fc.Arbitrary<HttpRequest>): fc.Arbitrary<HttpRequest> {
  const credentials = { authorization: `Bearer ${secret}`, cookie: `session=${secret}` }
  return requests.map((request) => ({ ...request, headers: { ...request.headers, ...credentials } }))
}
