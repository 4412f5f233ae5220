import { STATUS_CODES } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Fault } from '#api/errors.ts'
import { errorBodyOf, errorRegistry, faultOf, retryAfterSeconds } from '#api/errors.ts'
import type { HttpLimits } from './limits.ts'

/** Bytes that are no HTTP request, and requests that take too long: there is only a socket to answer on. */
export function answerBadBytes(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  answerBytes(socket, faultOfBytes(error.code ?? ''))
}

/** Answers whatever comes over a socket, and closes it. */
export function answerBytes(socket: Socket, fault: Fault): void {
  socket.end(bareAnswer(fault), () => socket.destroy())
}

/** A whole answer, for where there is no request. */
export function bareAnswer(fault: Fault): string {
  const { status } = errorRegistry[fault.code]
  const after = retryAfterSeconds(fault)
  const body = JSON.stringify(errorBodyOf(fault, { repeatable: true }))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    ...(after === null ? [] : [`retry-after: ${after}`]),
    'connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

/** What Node.js would answer by itself and without a body, or not at all, is answered as everything else is; and in time. */
export function answerOddRequests(server: Server, { requestTimeoutMs, keepAliveMs }: HttpLimits): void {
  // Fastify sets these on no server that it was handed.
  server.requestTimeout = requestTimeoutMs
  server.keepAliveTimeout = keepAliveMs
  // Who expects what nobody knows may be answered as if nothing were expected (RFC 9110, 10.1.1).
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
  server.on('connect', (_request, socket: Socket) => answerBadBytes(new Error('a tunnel was asked for'), socket))
}

/** The host is checked here and not by Node.js, which would refuse without a word. */
export const withoutHostCheck = { requireHostHeader: false } as const

export function faultOfHost({ headers, raw }: { readonly headers: IncomingHttpHeaders; readonly raw: IncomingMessage }): Fault | null {
  if (headers.host !== undefined || raw.httpVersion === '1.0') return null
  return faultOf('invalid_request', 'host: is missing: expected is the name or address that the request was sent to', { field: 'host' })
}

function faultOfBytes(code: string): Fault {
  if (code === 'HPE_HEADER_OVERFLOW') return faultOf('headers_too_large', 'the headers are too large: send fewer or shorter ones', {})
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return faultOf('request_timeout', 'the request did not arrive in time: send it again', {})
  return faultOf('invalid_request', 'this is no HTTP request', {})
}
