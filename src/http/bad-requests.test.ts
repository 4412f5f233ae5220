import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import fc from 'fast-check'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { lockApiLimits as limits } from '#api/locks/limits.ts'
import { documentOf, isDocumented } from './testkit-document.ts'
import { Served } from './testkit.ts'

const served = new Served()
after(() => served[Symbol.asyncDispose]())
const document = await documentOf(served)

type Sent = Omit<InjectOptions, 'url'>

const send = (url: string, options: Sent = {}): Promise<LightMyRequestResponse> => served.http.fastify.inject({ ...options, url })
const post = (url: string, payload: unknown): Promise<LightMyRequestResponse> =>
  send(url, { method: 'POST', payload: JSON.stringify(payload), headers: { 'content-type': 'application/json' } })

interface Refusal {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly field?: string
}

function refusalOf(response: LightMyRequestResponse): Refusal {
  const body = response.json<{ error: Refusal }>()
  deepEqual(Object.keys(body), ['error'])
  equal(typeof body.error.message, 'string')
  equal(typeof body.error.retryable, 'boolean')
  match(String(response.headers['x-request-id']), /./)
  return body.error
}

const owner = { resource_id: 'r', client_id: 'c' }
const many = (resources: unknown): object => ({ client_id: 'c', resources })
const bytes = (length: number): string => 'x'.repeat(length)
const { nameBytesMax, ttlMsMax, waitMsMax, lockDelayMsMax, sessionTtlMsMin, reasonBytesMax, resourcesMax } = limits

/** A path, a body, the field that is wrong with it, and what is said. */
const refused: readonly (readonly [path: string, body: unknown, field: string, says: RegExp])[] = [
  ['/acquire', {}, 'resource_id', /resource_id: is missing: expected is text of 1 to 256 bytes/],
  ['/acquire', { resource_id: 'r' }, 'client_id', /is missing/],
  ['/acquire', { ...owner, resource_id: '' }, 'resource_id', /1 to 256 bytes in UTF-8, and the text "" was sent/],
  ['/acquire', { ...owner, resource_id: bytes(nameBytesMax + 1) }, 'resource_id', /text of 257 bytes was sent/],
  ['/acquire', { ...owner, resource_id: 'ü'.repeat(129) }, 'resource_id', /text of 258 bytes was sent/],
  ['/acquire', { ...owner, client_id: '\ud800' }, 'client_id', /half of a surrogate pair/],
  ['/acquire', { ...owner, client_id: 7 }, 'client_id', /and 7 was sent/],
  ['/acquire', { ...owner, client_id: null }, 'client_id', /and null was sent/],
  ['/acquire', { ...owner, lock_type: 'read' }, 'lock_type', /one of "exclusive", "shared", and the text "read" was sent/],
  ['/acquire', { ...owner, ttl_ms: -1 }, 'ttl_ms', /an integer from 0 to 86400000, and -1 was sent/],
  ['/acquire', { ...owner, ttl_ms: ttlMsMax + 1 }, 'ttl_ms', /86400001/],
  ['/acquire', { ...owner, ttl_ms: 1.5 }, 'ttl_ms', /1\.5/],
  ['/acquire', { ...owner, ttl_ms: '60' }, 'ttl_ms', /the text "60" was sent/],
  ['/acquire', { ...owner, ttl_ms: null }, 'ttl_ms', /null/],
  ['/acquire', { ...owner, wait_ms: waitMsMax + 1 }, 'wait_ms', /60001/],
  ['/acquire', { ...owner, wait_ms: true }, 'wait_ms', /true/],
  ['/acquire', { ...owner, lock_delay_ms: lockDelayMsMax + 1 }, 'lock_delay_ms', /60001/],
  ['/acquire', { ...owner, session_id: '' }, 'session_id', /matches/],
  ['/acquire', { ...owner, session_id: bytes(65) }, 'session_id', /matches/],
  ['/acquire', { ...owner, ttl_ms: 0 }, 'ttl_ms', /must end by itself/],
  ['/acquire', { ...owner, ttl_ms: 5, session_id: 's' }, 'ttl_ms', /as long as that session/],
  ['/acquire', { ...owner, ttl: 5 }, 'ttl', /ttl: is not known here: expected is resource_id, client_id,/],
  ['/acquire', JSON.parse('{"resource_id":"r","client_id":"c","__proto__":{"x":1}}'), '__proto__', /not known/],
  ['/acquire', JSON.parse('{"resource_id":"r","client_id":"c","constructor":{"prototype":1}}'), 'constructor', /not known/],
  ['/acquire', [], 'body', /a JSON object, and a list of 0 was sent/],
  ['/acquire', 'text', 'body', /a JSON object/],
  ['/acquire', null, 'body', /null/],
  ['/acquire-many', many([]), 'resources', /a list of 1 to 64, and a list of 0 was sent/],
  [
    '/acquire-many',
    many(Array.from({ length: resourcesMax + 1 }, (_, at) => ({ resource_id: `r${at}` }))),
    'resources',
    /a list of 65 was sent/,
  ],
  ['/acquire-many', many('r'), 'resources', /the text "r"/],
  ['/acquire-many', many(['r']), 'resources[0]', /a JSON object/],
  ['/acquire-many', many([{ resource_id: 'r' }, { resource_id: '' }]), 'resources[1].resource_id', /1 to 256/],
  ['/acquire-many', many([{ resource_id: 'r', mode: 'x' }]), 'resources[0].mode', /not known/],
  ['/acquire-many', many([{ resource_id: 'r' }, { resource_id: 'r' }]), 'resources[1].resource_id', /that of resources\[0\]/],
  ['/acquire-many', { ...many([{ resource_id: 'r' }]), ttl_ms: 0 }, 'ttl_ms', /must end by itself/],
  ['/release', { ...owner, fencing_token: 0 }, 'fencing_token', /from 1 to 9007199254740991/],
  ['/release', { ...owner, fencing_token: 2 ** 53 }, 'fencing_token', /integer/],
  ['/release', { ...owner, fencing_token: 1e300 }, 'fencing_token', /integer/],
  ['/extend', { ...owner, ttl_ms: ttlMsMax + 1 }, 'ttl_ms', /integer/],
  ['/check', { resource_id: 'r' }, 'fencing_token', /missing/],
  ['/force-release', { ...owner, reason: bytes(reasonBytesMax + 1) }, 'reason', /text of 257 bytes/],
  ['/sessions', { client_id: 'c', ttl_ms: sessionTtlMsMin - 1 }, 'ttl_ms', /from 4000/],
  ['/sessions', { client_id: 'c', ttl_ms: ttlMsMax + 1 }, 'ttl_ms', /86400001/],
  ['/sessions', { client_id: 'c', lock_delay_ms: lockDelayMsMax + 1 }, 'lock_delay_ms', /60001/],
  ['/sessions/s/keepalive', { ttl_ms: 5 }, 'ttl_ms', /expected is nothing\. Leave it out/],
  ['/sessions/s!/keepalive', {}, 'session_id', /matches/],
]

for (const [path, body, field, says] of refused) {
  test(`${path} refuses ${(JSON.stringify(body) ?? '').slice(0, 90)}`, async () => {
    const asked = served.asked.length
    const response = await post(path, body)
    equal(response.statusCode, 400, response.body)
    const refusal = refusalOf(response)
    deepEqual([refusal.code, refusal.field, refusal.retryable], ['invalid_request', field, false])
    match(refusal.message, says)
    equal(served.asked.length, asked, 'no service was asked')
  })
}

const taken: readonly (readonly [path: string, body: unknown])[] = [
  ['/acquire', { ...owner, resource_id: bytes(nameBytesMax), client_id: '☃'.repeat(85) }],
  ['/acquire', { ...owner, ttl_ms: ttlMsMax, wait_ms: waitMsMax, lock_delay_ms: lockDelayMsMax }],
  ['/acquire', { ...owner, ttl_ms: 0, wait_ms: 0 }],
  ['/acquire', { ...owner, ttl_ms: 0, session_id: bytes(64) }],
  ['/acquire-many', many(Array.from({ length: resourcesMax }, (_, at) => ({ resource_id: bytes(nameBytesMax - 2) + String(at + 10) })))],
  ['/release', { ...owner, fencing_token: Number.MAX_SAFE_INTEGER }],
  ['/sessions', { client_id: 'c', ttl_ms: sessionTtlMsMin }],
  ['/sessions/s/keepalive', {}],
]

for (const [path, body] of taken) {
  test(`${path} takes ${JSON.stringify(body).slice(0, 90)}, which is at the limit`, async () => {
    const response = await post(path, body)
    ok(response.statusCode < 300, response.body)
  })
}

test('the largest request there is fits into a body', async () => {
  const name = (at: number): string => `\u0001`.repeat(nameBytesMax - 2) + String(at + 10)
  const response = await post(
    '/acquire-many',
    many(Array.from({ length: resourcesMax }, (_, at) => ({ resource_id: name(at), lock_type: 'exclusive' }))),
  )
  equal(response.statusCode, 200, response.body)
})

test('a query that is not one of these names its parameter', async () => {
  for (const [url, field] of [
    ['/locks?limit=0', 'limit'],
    ['/locks?limit=1001', 'limit'],
    ['/locks?limit=ten', 'limit'],
    ['/locks?limit=1&limit=2', 'limit'],
    ['/locks?consistency=eventual', 'consistency'],
    ['/locks?consistancy=local', 'consistancy'],
    [`/locks?prefix=${bytes(257)}`, 'prefix'],
    ['/locks?after=', 'after'],
    [`/locks/${bytes(257)}`, 'resource_id'],
    ['/deadlocks?consistency=', 'consistency'],
    ['/metrics?format=xml', 'format'],
    ['/healthz?verbose=1', 'verbose'],
    ['/openapi.json?version=3', 'version'],
  ] as const) {
    const response = await send(url)
    equal(response.statusCode, 400, url)
    equal(refusalOf(response).field, field)
  }
})

test('a query that a call does not have is refused, also beside a body', async () => {
  const response = await send('/release?dry_run=true', { method: 'POST', payload: { resource_id: 'r', client_id: 'c' } })
  equal(response.statusCode, 400)
  equal(refusalOf(response).field, 'dry_run')
})

const json = { 'content-type': 'application/json' }

test('what is no JSON, no UTF-8, of another type, or too large is told apart', async () => {
  const cases: readonly (readonly [status: number, code: string, says: RegExp, options: Sent])[] = [
    [400, 'invalid_request', /expected is JSON, and this is none/, { payload: '{"resource_id":', headers: json }],
    [400, 'invalid_request', /not UTF-8/, { payload: Buffer.from([0x22, 0xff, 0x22]), headers: json }],
    [400, 'invalid_request', /a JSON object, and nothing was sent|null was sent/, { payload: '', headers: json }],
    [400, 'invalid_request', /a JSON object/, {}],
    [
      400,
      'invalid_request',
      /and a number beyond all limits was sent/,
      { payload: '{"resource_id":"r","client_id":"c","ttl_ms":1e400}', headers: json },
    ],
    [415, 'unsupported_media_type', /content-type: application\/json/, { payload: 'a=b', headers: { 'content-type': 'text/plain' } }],
    [415, 'unsupported_media_type', /./, { payload: '{}', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    [415, 'unsupported_media_type', /./, { payload: '{}', headers: { 'content-type': 'application/jsonp' } }],
    [413, 'payload_too_large', /at most 131072 bytes/, { payload: `"${bytes(200_000)}"`, headers: json }],
  ]
  for (const [status, code, says, options] of cases) {
    const response = await send('/acquire', { method: 'POST', ...options })
    const refusal = refusalOf(response)
    deepEqual([response.statusCode, refusal.code], [status, code], refusal.message)
    match(refusal.message, says)
    isDocumented(response, 'acquire', document)
  }
})

test('a path that is not served is told from a method that is not', async () => {
  const unknown = await send('/nowhere')
  deepEqual([unknown.statusCode, refusalOf(unknown).code], [404, 'not_found'])
  match(refusalOf(unknown).message, /there is no GET \/nowhere/)
  for (const [method, url, allow] of [
    ['GET', '/acquire', 'POST'],
    ['DELETE', '/locks/some%2Fname?x=1', 'GET'],
    ['PUT', '/sessions/s', 'DELETE'],
    ['PATCH', '/', 'GET'],
    ['OPTIONS', '/openapi.json', 'GET'],
    ['HEAD', '/events', 'GET'],
  ] as const) {
    const response = await send(url, { method })
    deepEqual([response.statusCode, response.headers.allow], [405, allow], `${method} ${url}`)
    if (method !== 'HEAD') equal(refusalOf(response).code, 'method_not_allowed')
  }
})

test('a path that is no path is refused in the same shape', async () => {
  const broken = await send('/locks/%zz')
  deepEqual([broken.statusCode, refusalOf(broken).code, refusalOf(broken).field], [400, 'invalid_request', 'url'])
  const long = await send(`/locks/${bytes(1_025)}`)
  deepEqual([long.statusCode, refusalOf(long).code], [414, 'uri_too_long'])
})

test('the id of a request comes from the client when it is fit to be logged, and is new otherwise', async () => {
  const idOf = async (given: string): Promise<unknown> =>
    (await send('/healthz', { headers: { 'x-request-id': given } })).headers['x-request-id']
  equal(await idOf('trace-1:a.b_C'), 'trace-1:a.b_C')
  for (const given of ['a b', bytes(129), '"}{', 'é']) match(String(await idOf(given)), /^[0-9a-f]{12}-\w+$/)
  ok((await idOf('?')) !== (await idOf('?')))
})

test('bytes that are no HTTP request are answered in the same shape, and the connection ends', async () => {
  await using own = new Served()
  const { port } = new URL(await own.listen())
  const socket = connect(Number(port), '127.0.0.1')
  socket.end('hello\r\n\r\n')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'close')
  const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n')
  match(head, /^HTTP\/1\.1 400 /)
  equal((JSON.parse(body) as { error: Refusal }).error.code, 'invalid_request')
})

const paths = ['/acquire', '/acquire-many', '/release', '/extend', '/check', '/force-release', '/sessions', '/sessions/s/keepalive']
const fields = ['resource_id', 'client_id', 'lock_type', 'ttl_ms', 'wait_ms', 'session_id', 'fencing_token', 'resources', 'reason']
const nearly = fc.dictionary(
  fc.constantFrom(...fields),
  fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('exclusive', 'r', 0, 5, 7.5, -1, 2 ** 53),
    fc.array(fc.dictionary(fc.constantFrom(...fields), fc.jsonValue())),
  ),
)

const statuses = new Set<number>()

async function isAnsweredWell(url: string, options: Sent): Promise<void> {
  const response = await send(url, { method: 'POST', ...options })
  statuses.add(response.statusCode)
  ok(response.statusCode < 500, `${response.statusCode}: ${response.body}`)
  if (response.statusCode >= 400) refusalOf(response)
}

test('no JSON whatever makes a call fail', async () => {
  const body = fc.oneof(
    nearly,
    fc.jsonValue(),
    fc.json().map((text): unknown => JSON.parse(text)),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), body, (path, value) =>
      isAnsweredWell(path, { payload: JSON.stringify(value), headers: json }),
    ),
    { numRuns: 1_000 },
  )
})

test('no bytes whatever, of no type whatever, make a call fail', async () => {
  const types = fc.oneof(
    fc.constantFrom('application/json', 'application/json; charset=latin1', 'text/plain', ''),
    fc.string({ unit: 'grapheme-ascii' }),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), types, fc.uint8Array({ minLength: 1 }), (path, type, payload) =>
      isAnsweredWell(path, { payload: Buffer.from(payload), headers: { 'content-type': type } }),
    ),
    { numRuns: 500 },
  )
})

test('no path and no query whatever makes a call fail', async () => {
  const piece = fc.string({ unit: 'binary' }).map((text) => encodeURIComponent(text.toWellFormed()))
  const url = fc.tuple(fc.constantFrom('/locks/', '/sessions/', '/locks?', '/deadlocks?', '/', '/metrics?format='), piece, piece)
  await fc.assert(
    fc.asyncProperty(url, fc.constantFrom('GET', 'POST', 'DELETE', 'PUT'), ([base, first, second], method) =>
      isAnsweredWell(`${base}${first}=${second}`, { method }),
    ),
    { numRuns: 500 },
  )
  deepEqual(served.failures, [])
  for (const status of [200, 400, 404, 405, 415]) ok(statuses.has(status), `some were answered ${status}`)
})
