import type { FastifyReply, FastifyRequest } from 'fastify'
import type { NodeApi } from '#api/common/node-api.ts'
import type { Fault } from '#api/errors.ts'
import { judgeCaller } from './callers.ts'
import type { ConsoleOptions } from './console-routes.ts'
import { consoleNodes } from './console-routes.ts'

/** What becomes of a request before anything else. */
export type Admission = { readonly type: 'enter' } | { readonly type: 'refuse'; readonly fault: Fault } | { readonly type: 'preflight' }

const pages: ReadonlySet<string> = new Set(['/', '/console', '/docs'])
const enter: Admission = { type: 'enter' }

/** Keeps out what browsers send for pages that no node serves, and tells browsers which pages may read the answers (CORS). */
export function callerGate(
  node: () => NodeApi | null,
  options: ConsoleOptions,
): (request: FastifyRequest, reply: FastifyReply) => Admission {
  return (request, { raw }) => {
    const { headers, method } = request
    const { host, origin } = headers
    const site = headers['sec-fetch-site']
    if (origin === undefined && site === undefined && !options.isLocal) return enter
    const rules = { consoles: () => new Set(consoleNodes(node(), options)), isLocal: options.isLocal }
    const isPage = method === 'GET' && pages.has(request.routeOptions.url ?? '')
    const verdict = judgeCaller({ host, origin, site, mode: headers['sec-fetch-mode'] }, isPage, rules)
    if (verdict.type === 'refused') return { type: 'refuse', fault: verdict.fault }
    if (verdict.origin === null) return enter
    // Set on the raw answer, which streams write by themselves.
    raw.setHeader('access-control-allow-origin', verdict.origin)
    raw.setHeader('access-control-expose-headers', 'x-request-id, retry-after')
    raw.setHeader('vary', 'Origin')
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return enter
    raw.setHeader('access-control-allow-methods', 'GET, POST, PUT, DELETE')
    raw.setHeader('access-control-allow-headers', 'content-type, authorization, x-request-id')
    raw.setHeader('access-control-max-age', '600')
    return { type: 'preflight' }
  }
}
