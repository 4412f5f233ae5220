import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import type { LightMyRequestResponse } from 'fastify'
import { queueApiLimits as limits } from '#api/queues/limits.ts'
import { receiptOf } from '#api/queues/receipt.ts'
import { documentOf, isDocumented } from './testkit-document.ts'
import { idOf, ServedQueues } from './testkit-queues.ts'

const served = new ServedQueues()
after(() => served[Symbol.asyncDispose]())
const document = await documentOf(served)

const headers = { 'content-type': 'application/json' }
const send = (method: 'POST' | 'PUT', url: string, payload: string | Buffer): Promise<LightMyRequestResponse> =>
  served.http.fastify.inject({ method, url, payload, headers })
const post = (url: string, body: unknown): Promise<LightMyRequestResponse> =>
  send(url.startsWith('/queues/') && !/\/(?:purge|redrive)$/.test(url) ? 'PUT' : 'POST', url, JSON.stringify(body))

interface Refusal {
  readonly code: string
  readonly message: string
  readonly field?: string
}
const refusalOf = (response: LightMyRequestResponse): Refusal => response.json<{ error: Refusal }>().error

const bytes = (length: number): string => 'x'.repeat(length)
const { nameBytesMax, durationMsMax, visibilityMsMax, itemsMax, headersMax, headerValueBytesMax, waitMsMax, partitionsMax } = limits
const one = { queue: 'q', message: 1 }
const list = (count: number): object => ({ queue: 'q', messages: Array.from({ length: count }, () => ({ message: 1 })) })
const headersOf = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, at) => [`h${at}`, 'v']))
const consumer = { queue: 'q', consumer_id: 'c' }
const id = idOf(1)
const receipt = receiptOf(id, 1)
const producer = { producer_id: 'p', partition: 0, sequence: 1 }

/** A path, a body, the field that is wrong with it, and what is said. */
const refused: readonly (readonly [path: string, body: unknown, field: string, says: RegExp])[] = [
  ['/produce', {}, 'queue', /is missing: expected is text of 1 to 256 bytes/],
  ['/produce', { queue: 'q' }, 'message', /is missing: expected is any JSON, or a list/],
  ['/produce', { ...one, queue: '' }, 'queue', /1 to 256 bytes in UTF-8 that matches .*, and the text "" was sent/],
  ['/produce', { ...one, queue: bytes(nameBytesMax + 1) }, 'queue', /text of 257 bytes was sent/],
  ['/produce', { ...one, queue: 'ü'.repeat(129) }, 'queue', /text of 258 bytes was sent/],
  ['/produce', { ...one, queue: 'a\u0000b' }, 'queue', /matches/],
  ['/produce', { ...one, queue: 'a\u0085' }, 'queue', /matches/],
  ['/produce', { ...one, queue: '\ud800' }, 'queue', /half of a surrogate pair/],
  ['/produce', { ...one, queue: 7 }, 'queue', /and 7 was sent/],
  ['/produce', { ...one, body: 1 }, 'body', /not known here: expected is queue, message,/],
  ['/produce', { ...one, key: '' }, 'key', /1 to 256/],
  ['/produce', { ...one, delay_ms: durationMsMax + 1 }, 'delay_ms', /31622400001/],
  ['/produce', { ...one, delay_ms: -1 }, 'delay_ms', /-1/],
  ['/produce', { ...one, delay_ms: '5' }, 'delay_ms', /the text "5"/],
  ['/produce', { ...one, deliver_at: 'tomorrow' }, 'deliver_at', /an instant, as .*and the text "tomorrow" was sent/],
  ['/produce', { ...one, deliver_at: 1_700_000_000_000 }, 'deliver_at', /an instant/],
  ['/produce', { ...one, deliver_at: '2026-01-31T12:00:00Z', delay_ms: 5 }, 'deliver_at', /both were sent/],
  ['/produce', { ...one, priority: 10 }, 'priority', /from 0 to 9/],
  ['/produce', { ...one, ttl_ms: 0 }, 'ttl_ms', /from 1/],
  ['/produce', { ...one, dedupe_id: bytes(257) }, 'dedupe_id', /257/],
  ['/produce', { ...one, headers: headersOf(headersMax + 1) }, 'headers', /at most 64 fields.*an object of 65 fields/],
  ['/produce', { ...one, headers: { a: 1 } }, 'headers.a', /text/],
  ['/produce', { ...one, headers: { a: bytes(headerValueBytesMax + 1) } }, 'headers.a', /4097/],
  ['/produce', { ...one, headers: { [bytes(257)]: 'v' } }, 'headers', /1 to 256 bytes/],
  ['/produce', { ...one, headers: { '': 'v' } }, 'headers', /1 to 256 bytes/],
  ['/produce', { ...one, headers: [] }, 'headers', /an object|a JSON object/],
  ['/produce', { ...one, message_id: 'm', headers: { message_id: 'n' } }, 'headers', /leave it out/],
  ['/produce', { ...one, messages: [{ message: 1 }] }, 'message', /both were sent/],
  ['/produce', { queue: 'q', messages: [{ message: 1 }], key: 'k' }, 'key', /into each of `messages`/],
  ['/produce', list(0), 'messages', /a list of 1 to 1000, and a list of 0/],
  ['/produce', list(itemsMax + 1), 'messages', /and a list of 1001 was sent/],
  ['/produce', { queue: 'q', messages: [{ message: 1 }, {}] }, 'messages[1].message', /is missing: expected is any JSON/],
  ['/produce', { queue: 'q', messages: [{ message: 1, queue: 'q' }] }, 'messages[0].queue', /not known/],
  ['/produce', { queue: 'q', messages: { message: 1 } }, 'messages', /a list/],
  ['/produce', { ...one, producer: { ...producer, sequence: 0 } }, 'producer.sequence', /from 1/],
  ['/produce', { ...one, producer: { ...producer, partition: partitionsMax } }, 'producer.partition', /1024/],
  ['/produce', [one], 'body', /a JSON object, and a list of 1 was sent/],
  ['/consume', { queue: 'q' }, 'consumer_id', /missing/],
  ['/consume', { ...consumer, max: 0 }, 'max', /from 1 to 1000/],
  ['/consume', { ...consumer, max: itemsMax + 1 }, 'max', /1001/],
  ['/consume', { ...consumer, wait_ms: waitMsMax + 1 }, 'wait_ms', /60001/],
  ['/consume', { ...consumer, visibility_ms: 0 }, 'visibility_ms', /from 1/],
  ['/consume', { ...consumer, visibility_ms: visibilityMsMax + 1 }, 'visibility_ms', /86400001/],
  ['/ack', {}, 'message_id', /is missing/],
  ['/ack', { message_ids: [] }, 'message_ids', /a list of 0/],
  ['/ack', { message_ids: Array.from({ length: itemsMax + 1 }, () => 'x') }, 'message_ids', /1001/],
  ['/ack', { receipts: [receipt, 'x'] }, 'receipts[1]', /matches/],
  ['/ack', { message_id: idOf(2), receipt }, 'receipt', /not one of the message/],
  ['/ack', { message_id: id, receipts: [receipt] }, 'receipts', /one way to name messages/],
  ['/ack', { message_id: '' }, 'message_id', /1 to 256/],
  ['/nack', { receipt, kind: 'retry' }, 'kind', /one of "release", "fail", "reject"/],
  ['/nack', { receipt, kind: 'reject', delay_ms: 1 }, 'delay_ms', /leave it out/],
  ['/nack', { receipt, delay_ms: durationMsMax + 1 }, 'delay_ms', /integer/],
  ['/extend', { receipt }, 'visibility_ms', /missing/],
  ['/extend', { receipt, visibility_ms: visibilityMsMax + 1 }, 'visibility_ms', /86400001/],
  ['/cancel', { receipt }, 'receipt', /not known/],
  ['/cancel', {}, 'message_id', /is missing/],
  ['/queues/q', { partitions: 0 }, 'partitions', /from 1 to 1024/],
  ['/queues/q', { partitions: partitionsMax + 1 }, 'partitions', /1025/],
  ['/queues/q', { ttl_ms: 0 }, 'ttl_ms', /an integer from 1 to 31622400000 or null, and 0 was sent/],
  ['/queues/q', { dead_letter_queue: '' }, 'dead_letter_queue', /1 to 256 bytes in UTF-8 .*or null/],
  ['/queues/q', { paused: 'yes' }, 'paused', /true or false, and the text "yes" was sent/],
  ['/queues/q', { retry: { delay_ms: -1 } }, 'retry.delay_ms', /integer/],
  ['/queues/q', { retry: { jitter: 1 } }, 'retry.jitter', /not known/],
  ['/queues/q', { overflow: 'drop-tail' }, 'overflow', /one of/],
  ['/queues/q', { max_length: 0 }, 'max_length', /or null/],
  ['/queues/a%00b', {}, 'queue', /matches/],
  ['/queues/q/purge', { all: true }, 'all', /not known/],
  ['/queues/q/redrive', { rate: 0 }, 'rate', /from 1/],
]

for (const [path, body, field, says] of refused) {
  test(`${path} refuses ${JSON.stringify(body).slice(0, 90)}`, async () => {
    const asked = served.asked.length
    const response = await post(path, body)
    equal(response.statusCode, 400, response.body)
    const refusal = refusalOf(response)
    deepEqual([refusal.code, refusal.field], ['invalid_request', field], refusal.message)
    match(refusal.message, says)
    equal(served.asked.length, asked, 'no service was asked')
  })
}

const taken: readonly (readonly [path: string, body: unknown])[] = [
  [
    '/produce',
    { queue: bytes(nameBytesMax), message: null, key: '☃'.repeat(85), priority: 9, delay_ms: durationMsMax, ttl_ms: durationMsMax },
  ],
  ['/produce', { ...one, deliver_at: '2026-01-31T12:00:00.5+02:00' }],
  ['/produce', { ...one, deliver_at: '1969-12-31T23:59:59Z' }],
  ['/produce', { ...one, headers: { ...headersOf(headersMax - 1), [bytes(nameBytesMax)]: bytes(headerValueBytesMax) } }],
  ['/produce', { ...one, headers: { a: '' }, message: '' }],
  ['/produce', list(itemsMax)],
  ['/produce', { ...one, producer: { ...producer, partition: partitionsMax - 1, sequence: Number.MAX_SAFE_INTEGER } }],
  ['/consume', { ...consumer, max: itemsMax, wait_ms: waitMsMax, visibility_ms: visibilityMsMax }],
  ['/ack', { message_id: 'nobody made this' }],
  ['/ack', { receipts: Array.from({ length: itemsMax }, () => receiptOf(id, 999_999_999_999_999)) }],
  ['/extend', { message_id: id, visibility_ms: 0 }],
  ['/queues/q', {}],
  [
    '/queues/q',
    { partitions: partitionsMax, dead_letter_queue: null, max_length: null, ttl_ms: null, max_failures: 0, dedupe_window_ms: 0 },
  ],
  ['/queues/q/purge', {}],
]

for (const [path, body] of taken) {
  test(`${path} takes ${JSON.stringify(body).slice(0, 90)}, which is at the limit`, async () => {
    equal((await post(path, body)).statusCode, 200)
  })
}

const { messageBytesMax, requestBytesMax } = limits
const quoted = (length: number): string => `"${bytes(length - 2)}"`

test('a message has exactly the maximum of bytes, or one more', async () => {
  equal((await send('POST', '/produce', `{"queue":"q","message":${quoted(messageBytesMax)}}`)).statusCode, 200)
  for (const body of [`"message":${quoted(messageBytesMax + 1)}`, `"messages":[{"message":${quoted(messageBytesMax + 1)}}]`]) {
    const response = await send('POST', '/produce', `{"queue":"q",${body}}`)
    deepEqual([response.statusCode, refusalOf(response).code], [413, 'message_too_large'])
    isDocumented(response, 'produce', document)
  }
})

test('a request has exactly the maximum of bytes, or one more, and that is said of this call', async () => {
  const each = `{"message":${quoted(messageBytesMax)}},`.repeat(7)
  const rest = requestBytesMax - `{"queue":"q","messages":[${each}{"message":}]}`.length
  const body = (length: number): string => `{"queue":"q","messages":[${each}{"message":${quoted(length)}}]}`
  equal(Buffer.byteLength(body(rest)), requestBytesMax)
  equal((await send('POST', '/produce', body(rest))).statusCode, 200)
  const response = await send('POST', '/produce', body(rest + 1))
  deepEqual([response.statusCode, refusalOf(response).code], [413, 'payload_too_large'])
  match(refusalOf(response).message, /at most 8388608 bytes/)
  const small = await send('POST', '/ack', `{"message_id":"${bytes(200_000)}"}`)
  equal(small.statusCode, 413)
  match(refusalOf(small).message, /at most 131072 bytes/)
})

test('a message that is no JSON is refused with its place, and so are bytes that are not UTF-8', async () => {
  for (const [body, says] of [
    ['{"queue":"q","message":{"a":01}}', /body: expected is JSON, and this is none: .*byte 29/],
    ['{"queue":"q","message":}', /a value/],
    ['', /body: expected is a JSON object/],
    [Buffer.from([...Buffer.from('{"queue":"q","message":"'), 0xff, ...Buffer.from('"}')]), /not UTF-8/],
    [`{"queue":"q","message":${'['.repeat(2_000)}${']'.repeat(2_000)}}`, /more than 1000/],
  ] as const) {
    const response = await send('POST', '/produce', body)
    deepEqual([response.statusCode, refusalOf(response).code, refusalOf(response).field], [400, 'invalid_request', 'body'])
    match(refusalOf(response).message, says)
  }
})

test('a query that is not one of these names its parameter', async () => {
  for (const [url, field] of [
    ['/queues?limit=0', 'limit'],
    ['/queues?limit=1001', 'limit'],
    [`/queues?prefix=${bytes(257)}`, 'prefix'],
    ['/status?after=', 'after'],
    ['/queues/q/peek?state=delayed', 'state'],
    ['/queues/q/peek?limit=101', 'limit'],
    ['/queues/q/scheduled?after=a%20b', 'after'],
    [`/queues/${bytes(257)}`, 'queue'],
    ['/consume/stream?queue=q', 'consumer_id'],
    ['/consume/stream?queue=q&consumer_id=c&credit=0', 'credit'],
    ['/consume/stream?queue=q&consumer_id=c&credit=10001', 'credit'],
  ] as const) {
    const response = await served.http.fastify.inject(url)
    deepEqual([response.statusCode, refusalOf(response).field], [400, field], url)
  }
})

test('a path that is served with other methods says which', async () => {
  for (const [method, url, allow] of [
    ['GET', '/produce', 'POST'],
    ['POST', '/queues/a%2Fb', 'DELETE, GET, PUT'],
    ['POST', '/queues/q/peek', 'GET'],
    ['GET', '/queues/q/redrive', 'DELETE, POST'],
    ['POST', '/consume/stream', 'GET'],
  ] as const) {
    const response = await served.http.fastify.inject({ method, url })
    deepEqual([response.statusCode, response.headers.allow], [405, allow], `${method} ${url}`)
  }
})

const fields = [
  'queue',
  'message',
  'messages',
  'consumer_id',
  'message_id',
  'message_ids',
  'receipt',
  'receipts',
  'kind',
  'visibility_ms',
  'headers',
  'deliver_at',
  'retry',
]
const nearly = fc.dictionary(
  fc.constantFrom(...fields),
  fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('q', 'fail', 0, 5, receipt),
    fc.array(fc.dictionary(fc.constantFrom(...fields), fc.jsonValue())),
  ),
)

test('no JSON whatever, and no bytes whatever, make a call fail', async () => {
  const paths = ['/produce', '/consume', '/ack', '/nack', '/extend', '/cancel', '/queues/q', '/queues/q/purge', '/queues/q/redrive']
  const statuses = new Map<number, number>()
  const body = fc.oneof(
    nearly.map((value) => Buffer.from(JSON.stringify(value))),
    fc.json().map((text) => Buffer.from(text)),
    fc.uint8Array().map((value) => Buffer.from(value)),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), body, async (path, payload) => {
      const { statusCode } = await send(path === '/queues/q' ? 'PUT' : 'POST', path, payload)
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
      ok(statusCode < 500)
    }),
    { numRuns: 1_500 },
  )
  deepEqual(served.failures, [])
  for (const status of [200, 400]) ok((statuses.get(status) ?? 0) > 10, `some were answered ${status}`)
})
