import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Fault } from '#api/errors.ts'
import { errorBodyOf, errorRegistry, faultOf } from '#api/errors.ts'

/** Bytes that are no HTTP request, and requests that take too long: there is only a socket to answer on. */
export function answerBadBytes(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const fault = faultOfBytes(error.code ?? '')
  const { status } = errorRegistry[fault.code]
  const body = JSON.stringify(errorBodyOf(fault, { repeatable: true }))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

function faultOfBytes(code: string): Fault {
  if (code === 'HPE_HEADER_OVERFLOW') return faultOf('headers_too_large', 'the headers are too large: send fewer or shorter ones', {})
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return faultOf('request_timeout', 'the request did not arrive in time: send it again', {})
  return faultOf('invalid_request', 'this is no HTTP request', {})
}
