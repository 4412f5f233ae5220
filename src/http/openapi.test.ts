import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { after, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Type } from 'typebox'
import { errorRegistry } from '#api/errors.ts'
import { openApiDocument } from '#api/openapi.ts'
import { json, route } from '#api/route.ts'
import { closed } from '#api/schemas.ts'
import { documentOf, operationsOf } from './testkit-document.ts'
import { Served } from './testkit.ts'

const served = new Served()
after(() => served[Symbol.asyncDispose]())
const document = await documentOf(served)
const operations = operationsOf(document)

test('the document is valid OpenAPI 3.1', async () => {
  const validator = new Validator()
  const { valid, errors } = await validator.validate(structuredClone(document) as never)
  ok(valid, JSON.stringify(errors))
  equal(validator.version, '3.1')
  const broken = { ...structuredClone(document), paths: { acquire: {} } }
  equal((await new Validator().validate(broken as never)).valid, false, 'a broken one is noticed')
})

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

test('the document and the server have the same routes', async () => {
  await served.http.fastify.ready()
  const routes = routesIn(served.http.fastify.printRoutes({ commonPrefix: false }))
  const documented = operations.map(({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`)
  equal(documented.length, 20)
  deepEqual(routes.toSorted(), documented.toSorted())
})

test('every operation has a name of its own, words, and the errors that any call may answer', () => {
  const names = operations.map(({ operation }) => operation.operationId)
  equal(new Set(names).size, names.length)
  for (const { operation } of operations) {
    ok(operation.summary.length > 5, operation.operationId)
    for (const status of ['429', '500', '503']) ok(operation.responses[status] !== undefined, `${operation.operationId} ${status}`)
    if (operation.requestBody !== undefined) for (const status of ['400', '413', '415']) ok(operation.responses[status] !== undefined)
  }
})

test('every text, number and list that a call takes has a limit, and every duration says its unit', () => {
  let seen = 0
  const look = (schema: unknown, name: string): void => {
    const { type, $ref, enum: values, properties = {}, items, ...limits } = schema as Record<string, never>
    if (typeof $ref === 'string') return look(document.components.schemas[String($ref).split('/').at(-1) ?? ''], name)
    if (type === 'string') ok(values !== undefined || 'maxLength' in limits || 'pattern' in limits, name)
    if (type === 'integer' || type === 'number') ok('minimum' in limits && 'maximum' in limits, name)
    if (type === 'array') ok('maxItems' in limits, name)
    if (type === 'object') equal(limits['additionalProperties'], false, name)
    if (/ttl|wait|delay|after_ms/.test(name)) ok(name.endsWith('_ms'), name)
    seen++
    for (const [inner, field] of Object.entries(properties)) look(field, inner)
    if (items !== undefined) look(items, name)
    return undefined
  }
  for (const { operation } of operations) {
    for (const { name, schema } of operation.parameters ?? []) if (name !== 'after') look(schema, name)
    const body = operation.requestBody?.content['application/json']?.schema
    if (body !== undefined) look(body, 'body')
  }
  ok(seen > 40, `${seen} schemas were seen`)
})

test('errors are documented once each, with their status and their flag', () => {
  const { schemas } = document.components
  for (const [code, { status, retryable }] of Object.entries(errorRegistry)) {
    const name = `${code.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Error`
    if (['NotFoundError', 'MethodNotAllowedError', 'RequestTimeoutError', 'HeadersTooLargeError'].includes(name)) continue
    const schema = schemas[name] as { properties: { error: { properties: { code: object; retryable: object } } } } | undefined
    ok(schema !== undefined, name)
    const { properties } = schema.properties.error
    deepEqual(
      [properties.code, properties.retryable],
      [
        { type: 'string', const: code },
        { type: 'boolean', const: retryable },
      ],
    )
    const users = operations.filter(({ operation }) => JSON.stringify(operation.responses[String(status)] ?? {}).includes(`/${name}"`))
    ok(users.length > 0, `${name} is answered by some call with ${status}`)
  }
})

test('two schemas under one title, and two routes at one place, are bugs', () => {
  const get = (id: string, path: string, schema: object): ReturnType<typeof route> =>
    route({ id, method: 'GET', path, tag: 'T', summary: 'x', answers: [json(200, 'x', schema as never)] }) as ReturnType<typeof route>
  const info = { title: 'x', version: '1' }
  const one = closed({ a: Type.String() }, { title: 'Same' })
  const other = closed({ b: Type.String() }, { title: 'Same' })
  throws(() => openApiDocument([get('a', '/a', one), get('b', '/b', other)], info), /a title names one schema/)
  throws(() => openApiDocument([get('a', '/a', one), get('b', '/a', one)], info), /has one route/)
  equal(Object.keys(openApiDocument([get('a', '/a', one), get('b', '/b', one)], info).paths).length, 2)
})
