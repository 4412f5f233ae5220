import type { FastifyReply, FastifyRequest } from 'fastify'
import { internal } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import { ApiError, errorBodyOf, errorRegistry, faultOf, retryAfterSeconds } from '#api/errors.ts'
import { httpLimits } from './limits.ts'

/** The one way in which an error leaves. */
export function sendFault(reply: FastifyReply, fault: Fault, repeatable = true): FastifyReply {
  const after = retryAfterSeconds(fault)
  if (after !== null) reply.header('retry-after', after)
  if (fault.code === 'unauthorized') reply.header('www-authenticate', challengesTo(reply.request))
  if (fault.code === 'method_not_allowed') reply.header('allow', fault.details.allow.join(', '))
  return reply.code(errorRegistry[fault.code].status).type('application/json; charset=utf-8').send(errorBodyOf(fault, { repeatable }))
}

/**
 * A browser that shows a page asks its user; a script on a page is not to make it do so. Each challenge is a header of its own, as Chromium knows only the
 * first one of a header.
 */
const challengesTo = ({ headers: { accept = '' } }: FastifyRequest): string | readonly string[] =>
  accept.includes('text/html') ? ['Basic realm="lockstep", charset="UTF-8"', bearer] : bearer
const bearer = 'Bearer realm="lockstep"'

/** What a route, the parser of bodies, the validator or the router threw. Only what none of them is known to throw is `internal`. */
export function faultOfError(error: Error & ServerFault, request: FastifyRequest): Fault {
  if (error instanceof ApiError) return error.fault
  const known = knownFaults.get(error.code ?? '')
  if (known !== undefined) return known(request)
  const { statusCode = 500 } = error
  // Whatever else the server refuses was the client's doing, and its words say what.
  if (statusCode >= 400 && statusCode < 500) return faultOf('invalid_request', `the request was refused: ${error.message}`, {})
  return internal(request.id)
}

interface ServerFault {
  readonly code?: string
  readonly statusCode?: number
}

const invalidBody = (what: string): Fault => faultOf('invalid_request', `body: ${what}`, { field: 'body' })

/** The router decodes paths, and gives a query as it came when its escapes are no text. */
export const faultOfQuery = ({ url }: { readonly url: string }): Fault | null => {
  const query = url.indexOf('?')
  return query === -1 || isDecodable(url.slice(query)) ? null : badUrl()
}

const badUrl = (): Fault => faultOf('invalid_request', 'url: expected are % escapes that are UTF-8, and these are none', { field: 'url' })

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** By the codes of Fastify. */
const knownFaults = new Map<string, (request: FastifyRequest) => Fault>([
  [
    'FST_ERR_CTP_INVALID_MEDIA_TYPE',
    () =>
      faultOf(
        'unsupported_media_type',
        'the body must be JSON, and its content-type says otherwise: send the header content-type: application/json',
        {},
      ),
  ],
  [
    'FST_ERR_CTP_BODY_TOO_LARGE',
    ({ routeOptions: { bodyLimit } }) =>
      faultOf('payload_too_large', `a body has at most ${bodyLimit} bytes here, and this one has more: send less at once`, {}),
  ],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', () => invalidBody('it has not as many bytes as its content-length says')],
  ['FST_ERR_BAD_URL', badUrl],
  [
    'FST_ERR_MAX_PARAM_LENGTH',
    () => faultOf('uri_too_long', `a part of a path has at most ${httpLimits.parameterLengthMax} characters, and one has more`, {}),
  ],
])
