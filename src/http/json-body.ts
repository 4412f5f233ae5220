import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiError, faultOf } from '#api/errors.ts'
import type { RawPlaces } from '#api/route.ts'
import { readRawJson } from './raw-json.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Where the bodies of this route have JSON that is kept as its bytes. */
    readonly raw?: RawPlaces | null
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Takes JSON and nothing else. No body is `undefined`, which a call with required fields refuses. Other than the parser of Fastify it says
 * where the JSON breaks off, and takes no bytes that are not UTF-8: two names that differ there would become the same. A `__proto__` is a
 * field like any other here, which no schema knows.
 */
export function acceptJsonOnly(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request: FastifyRequest, body: Buffer, done) => {
    const { raw = null } = request.routeOptions.config
    try {
      if (body.length === 0) done(null, undefined)
      else done(null, raw === null ? JSON.parse(utf8.decode(body)) : readRawJson(body, raw))
    } catch (error) {
      done(notJson(error), undefined)
    }
  })
}

function notJson(cause: unknown): ApiError {
  const what = cause instanceof SyntaxError ? cause.message : 'it is not UTF-8'
  return new ApiError(faultOf('invalid_request', `body: expected is JSON, and this is none: ${what}`.toWellFormed(), { field: 'body' }), {
    cause,
  })
}
