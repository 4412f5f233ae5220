import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { queueErrors } from '#api/queues/errors.ts'
import { documentedRoutes, documentOf, limitFaults, operationsOf, routesOf } from './testkit-document.ts'
import { ServedQueues } from './testkit-queues.ts'

const served = new ServedQueues()
after(() => served[Symbol.asyncDispose]())
const document = await documentOf(served)
const operations = operationsOf(document)

test('the document of the queue service is valid OpenAPI 3.1, and has the routes of the server', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never)
  ok(valid, JSON.stringify(errors))
  equal(operations.length, 33)
  deepEqual(await routesOf(served), documentedRoutes(document))
  equal(new Set(operations.map(({ operation }) => operation.operationId)).size, operations.length)
})

test('every text, number, list and object that a queue call takes has a limit, and every duration says its unit', () => {
  const { faults, seen } = limitFaults(document)
  deepEqual(faults, [])
  ok(seen > 80, `${seen} schemas were seen`)
  const open = structuredClone(document.components.schemas) as Record<string, { properties: Record<string, object> }>
  Object.assign(open['AckRequest']?.properties ?? {}, { ttl: { type: 'integer' }, list: { type: 'array', items: { type: 'string' } } })
  deepEqual(limitFaults({ ...document, components: { ...document.components, schemas: open } }).faults, [
    'ttl: number',
    'ttl: unit',
    'list: list',
    'list: text',
  ])
})

test('each error of the queue service is documented where it is answered', () => {
  for (const [code, { status }] of Object.entries(queueErrors)) {
    const name = `${code.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Error`
    const users = operations.filter(({ operation }) => JSON.stringify(operation.responses[String(status)] ?? {}).includes(`/${name}"`))
    ok(users.length > 0, `${name} is answered by some call with ${status}`)
  }
})

test('the reference has every call, and says that a message may be any JSON', async () => {
  const { body } = await served.http.fastify.inject('/docs')
  for (const { path } of operations) ok(body.includes(path), path)
  ok(body.includes('byte for byte'))
})
