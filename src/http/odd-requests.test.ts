import { deepEqual, equal, ok } from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import type { ErrorCode } from '#api/errors.ts'
import { errorRegistry } from '#api/errors.ts'
import { Served } from './testkit.ts'

/** Requests that reach the server in other ways than calls do: whatever it is that refuses them, errors have their one shape. */

const served = new Served()
let port = 0
before(async () => {
  port = Number(new URL(await served.listen()).port)
})
after(() => served[Symbol.asyncDispose]())

/** Sends the bytes and waits until the server has closed the connection. */
function exchange(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    socket.setTimeout(10_000, () => socket.destroy(new Error(`neither answered nor closed: ${received}`)))
    socket.on('error', reject)
    socket.on('data', (chunk) => (received += chunk.toString()))
    socket.on('close', () => resolve(received))
    socket.write(bytes)
  })
}

const body = '{"resource_id":"r","client_id":"c"}'
const length = `content-length: ${body.length}\r\n`
const host = 'host: localhost\r\nconnection: close\r\n'
const post = (headers: string): string => `POST /acquire HTTP/1.1\r\n${headers}content-type: application/json\r\n\r\n${body}`
const get = (target: string, headers = ''): string => `GET ${target} HTTP/1.1\r\n${host}${headers}\r\n`

const refused: readonly (readonly [what: string, bytes: string, code: ErrorCode])[] = [
  ['no host', post(`connection: close\r\n${length}`), 'invalid_request'],
  ['a tunnel', 'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n', 'invalid_request'],
  ['another method', `TRACE / HTTP/1.1\r\n${host}\r\n`, 'method_not_allowed'],
  ['the greeting of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'invalid_request'],
  ['a version that is none', 'GET / HTTP/1.9\r\nhost: x\r\n\r\n', 'invalid_request'],
  [
    'a chunk without a length',
    `POST /acquire HTTP/1.1\r\n${host}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n`,
    'invalid_request',
  ],
  ['a length that is too short', post(`${host}content-length: 5\r\n`), 'invalid_request'],
  ['a negative length', post(`${host}content-length: -5\r\n`), 'invalid_request'],
  ['a length without end', post(`${host}content-length: 99999999999\r\n`), 'payload_too_large'],
  ['two lengths', post(`${host}content-length: 5\r\ncontent-length: 6\r\n`), 'invalid_request'],
  ['a length and chunks', post(`${host}transfer-encoding: chunked\r\n${length}`), 'invalid_request'],
  ['an encoding that nobody knows', post(`${host}transfer-encoding: x\r\n`), 'invalid_request'],
  ['a header that is none', get('/', 'nonsense\r\n'), 'invalid_request'],
  ['an address without a host', get('http:///healthz'), 'invalid_request'],
  ['no path', get('healthz'), 'invalid_request'],
  ['every path', `OPTIONS * HTTP/1.1\r\n${host}\r\n`, 'not_found'],
  ['a path with dots', get('/locks/../healthz'), 'not_found'],
  ['a path with two slashes', get('//healthz'), 'not_found'],
  ['a prototype for a path', get('/__proto__'), 'not_found'],
  ['a prototype for a parameter', get('/locks?__proto__=1'), 'invalid_request'],
  ['a query whose escapes are no text', get('/locks?prefix=%ff'), 'invalid_request'],
  ['a query with half of an escape', get('/locks?prefix=%2'), 'invalid_request'],
  ['too many headers', get('/healthz', 'a: 1\r\n'.repeat(4_000)), 'headers_too_large'],
]

for (const [what, bytes, code] of refused) {
  test(`${what} is refused in the one shape of errors`, async () => {
    const [head = '', text = ''] = (await exchange(bytes)).split('\r\n\r\n')
    equal(Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]), errorRegistry[code].status, head)
    const answer = JSON.parse(text) as { readonly error: { readonly code: string; readonly message: string } }
    deepEqual([Object.keys(answer), answer.error.code], [['error'], code])
    ok(answer.error.message.length > 0)
  })
}

for (const [what, bytes] of [
  ['who expects what nobody knows', post(`${host}${length}expect: x\r\n`)],
  ['who waits to be asked for the body', post(`${host}${length}expect: 100-continue\r\n`)],
  ['who speaks HTTP/1.0 and names no host', 'GET /healthz HTTP/1.0\r\n\r\n'],
] as const) {
  test(`${what} is answered`, async () => {
    ok(/HTTP\/1\.1 200 OK\r\n/.test(await exchange(bytes)))
  })
}
