import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { after, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { err, ok as done } from '#base/result.ts'
import { cacheErrors } from '#api/cache/errors.ts'
import { memoryFull, versionMismatch } from '#api/cache/faults.ts'
import { cacheApiLimits as limits } from '#api/cache/limits.ts'
import { unknownOutcome } from '#api/common/faults.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { documentedRoutes, documentOf, isDocumented, limitFaults, operationsOf, routesOf } from './testkit-document.ts'
import { goodRequests, ServedCache } from './testkit-cache.ts'

const served = new ServedCache()
after(() => served[Symbol.asyncDispose]())
const document = await documentOf(served)
const operations = operationsOf(document)

const inject = async (method: 'GET' | 'POST' | 'DELETE', url: string, body?: unknown): Promise<readonly [number, string]> => {
  const payload = body === undefined ? {} : { payload: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const response = await served.http.fastify.inject({ method, url, ...payload })
  return [response.statusCode, response.body]
}

test('every cache call is answered as its document says', async () => {
  for (const [call, request] of Object.entries(goodRequests)) {
    const response = await served.http.fastify.inject(request)
    equal(response.statusCode, 200, `${call}: ${response.body}`)
    isDocumented(response, call, document)
  }
  isDocumented(await served.http.fastify.inject('/read/nobody'), 'read', document)
})

test('the calls of the walk-through answer as written', async () => {
  deepEqual(await inject('GET', '/read/user_123'), [
    200,
    '{"key":"user_123","value":{"n": 1e400},"found":true,"state":"S","version":"3.17.0","hit":false}',
  ])
  deepEqual(await inject('GET', '/read/nobody'), [
    404,
    '{"key":"nobody","value":null,"found":false,"state":"S","version":"3.17.0","hit":false}',
  ])
  deepEqual(await inject('POST', '/write/user_123', { value: 1 }), [
    200,
    '{"key":"user_123","state":"M","version":"3.18.0","invalidated":2}',
  ])
})

test('a value is handed to the service byte for byte, and so is one in a batch', async () => {
  const value = '{"n": 1e400,  "big":12345678901234567890}'
  const headers = { 'content-type': 'application/json' }
  await served.http.fastify.inject({ method: 'POST', url: '/write/k', payload: `{"value":${value}}`, headers })
  const single = served.asked.at(-1)?.request as { readonly value: Uint8Array }
  equal(Buffer.from(single.value).toString(), value)
  const payload = `{"operations":[{"type":"write","key":"k","value":${value}}]}`
  await served.http.fastify.inject({ method: 'POST', url: '/batch', payload, headers })
  const batched = served.asked.at(-1)?.request as { readonly value: Uint8Array }
  equal(Buffer.from(batched.value).toString(), value)
})

test('a batch answers each in order, also those that failed', async () => {
  await using failing = new ServedCache({
    write: async ({ key }) => err(key === 'full' ? memoryFull() : versionMismatch(key, '7.7.7')),
  })
  const { body } = await failing.http.fastify.inject({
    method: 'POST',
    url: '/batch',
    payload: {
      operations: [
        { type: 'write', key: 'k', value: 1, if_version: '1.1.1' },
        { type: 'increment', key: 'n' },
        { type: 'write', key: 'full', value: 1 },
      ],
    },
  })
  const { results } = JSON.parse(body) as {
    readonly results: readonly { readonly value?: number; readonly error?: Record<string, unknown> }[]
  }
  deepEqual(
    results.map(({ value, error }) => value ?? [error?.['code'], error?.['retryable'], error?.['version']]),
    [['version_mismatch', false, '7.7.7'], 42, ['memory_full', true, undefined]],
  )
})

test('of a batch only values that do not fit in the answer are left out, and every change is told', async () => {
  const large = Buffer.from(JSON.stringify('x'.repeat(limits.valueBytesMax - 2))) as Uint8Array as JsonBytes
  await using plenty = new ServedCache({
    read: async ({ key }) => done({ key, value: large, found: true, state: 'S', version: '1.1.1', hit: true }),
  })
  const reads = Array.from({ length: limits.requestBytesMax / limits.valueBytesMax + 1 }, () => ({ type: 'read', key: 'k' }))
  const changes = [
    { type: 'increment', key: 'n' },
    { type: 'write', key: 'k', value: 1 },
  ]
  const { body } = await plenty.http.fastify.inject({ method: 'POST', url: '/batch', payload: { operations: [...reads, ...changes] } })
  const { results } = JSON.parse(body) as { readonly results: readonly { readonly error?: { readonly code: string } }[] }
  deepEqual(
    results.map(({ error }) => error?.code ?? 'done'),
    [...reads.slice(1).map(() => 'done'), 'answer_too_large', 'done', 'done'],
  )
})

test('an unknown outcome of a change is not called retryable, and a mismatch has the version', async () => {
  await using failing = new ServedCache({
    write: async () => err(unknownOutcome()),
    increment: async ({ key }) => err(versionMismatch(key, '7.7.7')),
  })
  const unknown = await failing.http.fastify.inject({ method: 'POST', url: '/write/k', payload: { value: 1 } })
  const { error } = unknown.json<{ readonly error: Record<string, unknown> }>()
  deepEqual([unknown.statusCode, error['code'], error['retryable']], [504, 'unknown', false])
  const mismatch = await failing.http.fastify.inject({ method: 'POST', url: '/increment/k', payload: {} })
  equal(mismatch.statusCode, 412)
  equal(mismatch.json<{ readonly error: Record<string, unknown> }>().error['version'], '7.7.7')
  isDocumented(mismatch, 'increment', document)
})

const long = 'x'.repeat(limits.keyBytesMax + 1)
const one = { value: 1 }
const list = (count: number): object => ({ operations: Array.from({ length: count }, () => ({ type: 'read', key: 'k' })) })
const operation = (fields: object): object => ({
  operations: [
    { type: 'read', key: 'k' },
    { key: 'k', ...fields },
  ],
})

/** A path, a body, the field that is wrong with it, and what is said. */
const refused: readonly (readonly [path: string, body: unknown, field: string, says: RegExp])[] = [
  ['/write/k', {}, 'value', /is missing: expected is any JSON/],
  ['/write/k', { ...one, valeu: 1 }, 'valeu', /not known here: expected is value, ttl_ms/],
  ['/write/k', { ...one, ttl_ms: 0 }, 'ttl_ms', /from 1 to/],
  ['/write/k', { ...one, ttl_ms: '5' }, 'ttl_ms', /the text "5"/],
  ['/write/k', { ...one, ttl_ms: limits.ttlMsMax + 1 }, 'ttl_ms', /from 1 to/],
  ['/write/k', { ...one, ack: 'maybe' }, 'ack', /one of "replicated", "owner"/],
  ['/write/k', { ...one, if_version: 'seven' }, 'if_version', /matches/],
  ['/write/k', { ...one, if_version: '1.9999999999999999.0' }, 'if_version', /matches/],
  ['/write/k', { ...one, if_version: '1.2.3', if_absent: true }, 'if_absent', /both were sent/],
  ['/write/k', { ...one, retry: true }, 'retry', /no `operation_id`/],
  ['/write/k', { ...one, operation_id: 'x'.repeat(129) }, 'operation_id', /1 to 128 bytes/],
  ['/write/k', { ...one, operation_id: '' }, 'operation_id', /1 to 128 bytes/],
  ['/write/a%00b', one, 'key', /matches/],
  [`/write/${'ü'.repeat(513)}`, one, 'key', /1 to 1024 bytes/],
  ['/increment/k', { by: 0.5 }, 'by', /an integer/],
  ['/increment/k', { by: 2 ** 53 }, 'by', /an integer/],
  ['/increment/k', { retry: true }, 'retry', /no `operation_id`/],
  ['/batch', {}, 'operations', /is missing/],
  ['/batch', list(0), 'operations', /a list of 1 to 1000/],
  ['/batch', list(limits.itemsMax + 1), 'operations', /a list of 1001/],
  ['/batch', operation({ type: 'burn' }), 'operations[1].type', /one of "read", "write"/],
  ['/batch', operation({ type: 'write' }), 'operations[1].value', /is missing/],
  ['/batch', operation({ type: 'read', by: 1 }), 'operations[1].by', /no field of read/],
  ['/batch', operation({ type: 'delete', if_version: '9999999999999999.0.0' }), 'operations[1].if_version', /matches/],
  ['/batch', operation({ type: 'delete', value: 1 }), 'operations[1].value', /no field of delete/],
  ['/batch', operation({ type: 'write', value: 1, retry: true }), 'operations[1].retry', /no `operation_id`/],
]

test('what is wrong with a request is said, with the field, and the service hears nothing of it', async () => {
  const before = served.asked.length
  for (const [path, body, field, says] of refused) {
    const [status, text] = await inject('POST', path, body)
    const { error } = JSON.parse(text) as { readonly error: { readonly code: string; readonly message: string; readonly field?: string } }
    deepEqual([status, error.code, error.field], [400, 'invalid_request', field], `${path} ${JSON.stringify(body).slice(0, 80)}: ${text}`)
    match(error.message, says)
  }
  equal((await inject('GET', `/read/${long}`))[0], 414)
  equal((await inject('GET', '/status?limit=0'))[0], 400)
  equal((await inject('DELETE', '/read/k?if_version=x'))[0], 400)
  for (const path of ['read', 'delete']) equal((await inject('DELETE', `/${path}/k?if_version=1.2.9999999999999999`))[0], 400)
  equal(served.asked.length, before)
})

test('an increment without a body is one of 1', async () => {
  equal((await inject('POST', '/increment/k'))[0], 200)
  deepEqual(served.asked.at(-1), { method: 'increment', request: { key: 'k' } })
})

test('a value over its limit is refused as too large, alone and in a batch, and a body over its limit too', async () => {
  const value = 'x'.repeat(limits.valueBytesMax - 1)
  for (const [path, body, field] of [
    ['/write/k', { value }, 'value'],
    ['/batch', { operations: [{ type: 'write', key: 'k', value }] }, 'operations[0].value'],
  ] as const) {
    const [status, text] = await inject('POST', path, body)
    const { error } = JSON.parse(text) as { readonly error: Record<string, unknown> }
    deepEqual([status, error['code'], error['field'], error['bytes_max']], [413, 'value_too_large', field, limits.valueBytesMax])
  }
  equal((await inject('POST', '/write/k', { value: value.slice(1) }))[0], 200)
  const [status, text] = await inject('POST', '/write/k', { value: 'x'.repeat(limits.requestBytesMax) })
  deepEqual([status, text.includes('payload_too_large')], [413, true])
})

test('while the node starts every call says so, and may be tried again', async () => {
  served.isStarting = true
  try {
    for (const request of [...Object.values(goodRequests), { method: 'GET', url: '/watch/k' }, { method: 'GET', url: '/bus' }] as const) {
      const response = await served.http.fastify.inject(request)
      deepEqual([response.statusCode, response.json<{ error: { code: string } }>().error.code], [503, 'unavailable'])
    }
  } finally {
    served.isStarting = false
  }
})

test('the document of the cache service is valid OpenAPI 3.1, has the routes of the server, and a limit on everything', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never)
  ok(valid, JSON.stringify(errors))
  deepEqual(await routesOf(served), documentedRoutes(document))
  const { faults, seen } = limitFaults(document)
  deepEqual(faults, [])
  ok(seen > 30, `${seen} schemas were seen`)
})

test('each error of the cache service is documented where it is answered', () => {
  for (const [code, { status }] of Object.entries(cacheErrors)) {
    const name = `${code.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Error`
    const users = operations.filter(({ operation: { responses } }) => JSON.stringify(responses[String(status)] ?? {}).includes(`/${name}"`))
    ok(users.length > 0, `${name} is answered by some call with ${status}`)
  }
})

/** The events of a stream until there are so many, without their first lines. */
async function events(url: string, wanted: number, begun: () => void): Promise<readonly string[]> {
  const stop = new AbortController()
  const response = await fetch(url, { signal: stop.signal })
  equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  begun()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString()
    if (text.split('\n\n').filter((event) => event.includes('event: ')).length >= wanted) break
  }
  stop.abort()
  return text.split('\n\n').filter((event) => event.includes('event: '))
}

test('a watch tells the value first, then what comes, and ends with its reader', async () => {
  await using own = new ServedCache()
  const url = await own.listen()
  const told = await events(`${url}/watch/k`, 2, () => {
    for (const tell of own.feeds.watchers) tell({ key: 'k', value: null, found: false, version: '4.1.0' })
  })
  deepEqual(told.slice(0, 2), [
    'event: value\ndata: {"key":"k","value":[1,\ndata: 2],"found":true,"version":"3.17.0"}',
    'event: value\ndata: {"key":"k","value":null,"found":false,"version":"4.1.0"}',
  ])
  await new Promise<void>((resolve) => {
    const look = (): void => (own.feeds.watchers.size === 0 ? resolve() : void setImmediate(look))
    look()
  })
})

test('the bus tells its transactions, after it has said who speaks', async () => {
  await using own = new ServedCache()
  const url = await own.listen()
  const told = await events(`${url}/bus`, 2, () => {
    for (const tell of own.feeds.bus) tell({ type: 'bus', at: '2026-01-31T12:00:00.000Z' })
  })
  match(told[0] ?? '', /event: hello\ndata: .*"node_id":"cache-node-1"/)
  match(told[1] ?? '', /event: bus\ndata: \{"type":"bus"/)
})

test('a stream that has ended while its reader was slow is told nothing more, and nobody minds', async () => {
  await using own = new ServedCache()
  const url = await own.listen()
  const readers = await Promise.all(
    ['/watch/k', '/bus'].map(async (path) => {
      const [response] = (await once(get(`${url}${path}`, { agent: false }), 'response')) as [IncomingMessage]
      return response.on('error', () => {})
    }),
  )
  const large = 'x'.repeat(20_000_000)
  const value = Buffer.from(JSON.stringify(large)) as Uint8Array as JsonBytes
  const tell = (): void => {
    for (const told of own.feeds.watchers) told({ key: 'k', value, found: true, version: '4.1.0' })
    for (const told of own.feeds.bus) told({ type: 'bus', at: '2026-01-31T12:00:00.000Z', large } as never)
  }
  tell()
  const drained = own.http.drain(10_000)
  deepEqual([own.feeds.watchers.size, own.feeds.bus.size], [1, 1])
  // What is written after the end fails in the next turn; the server itself listens for one failure, and no more.
  for (let times = 0; times < 3; times++) {
    tell()
    await new Promise(setImmediate)
  }
  for (const reader of readers) reader.destroy()
  await drained
  await new Promise(setImmediate)
  deepEqual([own.feeds.watchers.size, own.feeds.bus.size], [0, 0])
})
