import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'

/** Every error has this one shape, also those that no route has seen. `retryable` says that sending the same again may help and does no harm. */
interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly retryable: boolean }
}

export const errorBody = (code: string, message: string, retryable: boolean): ErrorBody => ({ error: { code, message, retryable } })

/** What a route, the parser of bodies or the router threw. */
export function sendFault(error: Error & { readonly statusCode?: number }, reply: FastifyReply): FastifyReply {
  const status = error.statusCode ?? 500
  const [code, message] = status < 500 ? ['invalid_request', error.message] : ['internal', 'this node failed to answer']
  return reply.code(status).send(errorBody(code, message, false))
}

/** Bytes that are no HTTP request, and requests that take too long: there is only a socket to answer on. */
export function answerBadBytes(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, message] = faultOfBytes(error.code ?? '')
  const body = JSON.stringify(errorBody('invalid_request', message, false))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

function faultOfBytes(code: string): readonly [number, string] {
  if (code === 'HPE_HEADER_OVERFLOW') return [431, 'the headers are too large']
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'the request did not arrive in time']
  return [400, 'this is no HTTP request']
}
