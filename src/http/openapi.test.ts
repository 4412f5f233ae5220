import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { after, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Type } from 'typebox'
import { openAccess } from '#api/access/access.ts'
import { commonErrors } from '#api/common/errors.ts'
import { lockErrors } from '#api/locks/errors.ts'
import { openApiDocument } from '#api/openapi.ts'
import { json, route } from '#api/route.ts'
import { closed } from '#api/schemas.ts'
import { documentedRoutes, documentOf, limitFaults, operationsOf, routesOf } from './testkit-document.ts'
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

test('the document and the server have the same routes', async () => {
  equal(operations.length, 28)
  deepEqual(await routesOf(served), documentedRoutes(document))
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
  const { faults, seen } = limitFaults(document)
  deepEqual(faults, [])
  ok(seen > 40, `${seen} schemas were seen`)
})

/** What answers before there is a call. */
const ofNoCall: ReadonlySet<string> = new Set([
  'not_found',
  'method_not_allowed',
  'request_timeout',
  'headers_too_large',
  'certificate_refused',
  'https_required',
])

test('errors are documented once each, with their status and their flag', () => {
  const { schemas } = document.components
  for (const [code, { status, retryable }] of Object.entries({ ...commonErrors, ...lockErrors })) {
    const name = `${code.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Error`
    if (ofNoCall.has(code)) continue
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
    route({
      id,
      access: openAccess,
      method: 'GET',
      path,
      tag: 'T',
      summary: 'x',
      answers: [json(200, 'x', schema as never)],
    }) as ReturnType<typeof route>
  const info = { title: 'x', version: '1' }
  const one = closed({ a: Type.String() }, { title: 'Same' })
  const other = closed({ b: Type.String() }, { title: 'Same' })
  throws(() => openApiDocument([get('a', '/a', one), get('b', '/b', other)], info), /a title names one schema/)
  throws(() => openApiDocument([get('a', '/a', one), get('b', '/a', one)], info), /has one route/)
  equal(Object.keys(openApiDocument([get('a', '/a', one), get('b', '/b', one)], info).paths).length, 2)
})
