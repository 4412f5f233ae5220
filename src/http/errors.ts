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
