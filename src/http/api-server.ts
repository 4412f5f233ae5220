import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { overloaded, stopping } from '#api/common/faults.ts'
import { faultOf } from '#api/errors.ts'
import type { Method } from '#api/route.ts'
import { answerBadBytes } from './bad-bytes.ts'
import type { BoundRoute } from './bound-route.ts'
import { CallScope } from './call-scope.ts'
import type { CommonOptions } from './common-routes.ts'
import { commonRoutes } from './common-routes.ts'
import { EventStreams } from './event-streams.ts'
import { faultOfError, sendFault } from './faults.ts'
import { addRoute, routerPath } from './fastify-route.ts'
import { acceptJsonOnly } from './json-body.ts'
import type { HttpLimits } from './limits.ts'
import { httpLimits } from './limits.ts'
import { OpenRequests } from './open-requests.ts'
import { requestIds } from './request-id.ts'
import type { NodeHttp } from './node-http.ts'
import type { SchemaError } from './validation.ts'
import { validationError, validatorOptions } from './validation.ts'

export interface ApiServerOptions extends CommonOptions {
  /** The calls of the services of this node. */
  readonly routes: readonly BoundRoute[]
  readonly meter: HttpMeter
  /** Told of what is answered with `internal`: a fault of this software. */
  readonly onFailure: (failure: { readonly error: Error; readonly requestId: string; readonly path: string }) => void
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly limits?: Partial<HttpLimits>
}

/** Where `httpMetrics` go. */
interface HttpMeter {
  count(name: string, labels: Readonly<Record<string, string>>): void
  gauge(name: string, labels: Readonly<Record<string, string>>, value: number): void
  observe(name: string, labels: Readonly<Record<string, string>>, value: number): void
}

/** The public API of a node over HTTP. The transport between nodes shares its server and port. */
export function createApiServer(options: ApiServerOptions): NodeHttp {
  const limits = { ...httpLimits, ...options.limits }
  const fastify = Fastify({
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: limits.parameterLengthMax },
    ajv: validatorOptions,
    genReqId: requestIds(),
    clientErrorHandler: answerBadBytes,
    frameworkErrors: (error, request, reply) => void sendFault(reply.header('x-request-id', request.id), faultOfError(error, request.id)),
    schemaErrorFormatter: (errors, part) => validationError(errors as readonly SchemaError[], part),
  })
  const open = new OpenRequests()
  const calls = new CallScope()
  const streams = new EventStreams({ limits, now: options.now })
  const ofNode = commonRoutes(options, streams, options.routes)
  const all = [...options.routes, ...ofNode]
  // Answered however much there is to do, so that a busy node is not taken for a dead one.
  const common = new Set(ofNode.map(({ route }) => route.path))

  acceptJsonOnly(fastify)
  // A hook that is not async costs no promise, of which a request has enough.
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    if (!open.add(reply.raw)) sendFault(reply.header('connection', 'close'), stopping())
    else if (open.count > limits.openRequestsMax && !common.has(request.routeOptions.url ?? '')) {
      sendFault(reply, overloaded(`${limits.openRequestsMax} requests are being answered already`))
    } else done()
  })
  fastify.setErrorHandler<Error & { readonly code?: string; readonly statusCode?: number }>((error, request, reply) => {
    const fault = faultOfError(error, request.id)
    if (fault.code === 'internal') options.onFailure({ error, requestId: request.id, path: request.routeOptions.url ?? '' })
    return sendFault(reply, fault)
  })
  answerUnknown(fastify, all)
  measure(fastify, options.meter, { open, all })
  for (const bound of all) addRoute(fastify, bound, calls)
  const drain = (withinMs: number): Promise<void> => {
    calls.stop()
    streams.close()
    return open.drain(withinMs)
  }
  return { fastify, drain }
}

/** A path that is served with other methods is told from one that is not served. */
function answerUnknown(fastify: FastifyInstance, all: readonly BoundRoute[]): void {
  const paths = new Map<string, { readonly pattern: RegExp; readonly methods: Method[] }>()
  for (const { route } of all) {
    const pattern = new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`)
    const known = paths.get(route.path) ?? { pattern, methods: [] }
    known.methods.push(route.method)
    paths.set(route.path, known)
  }
  fastify.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?')
    const asked = `${request.method} ${path.length > 128 ? `${path.slice(0, 127)}…` : path}`
    const found = [...paths.values()].find(({ pattern }) => pattern.test(path))
    if (found === undefined) return sendFault(reply, faultOf('not_found', `there is no ${asked}: GET / lists what there is`, {}))
    const allow = found.methods.toSorted()
    return sendFault(reply, faultOf('method_not_allowed', `there is no ${asked}: this path takes ${allow.join(', ')}`, { allow }))
  })
}

const methods = new Set(['GET', 'HEAD', 'POST', 'DELETE'])

function measure(
  fastify: FastifyInstance,
  meter: HttpMeter,
  { open, all }: { readonly open: OpenRequests; readonly all: readonly BoundRoute[] },
): void {
  const paths = new Map(all.map(({ route: { path } }) => [routerPath(path), path]))
  fastify.addHook('onResponse', ({ method, routeOptions }, reply, done) => {
    // Never the path that was asked for: each would be a series of its own.
    const labels = { method: methods.has(method) ? method : 'other', path: paths.get(routeOptions.url ?? '') ?? 'unknown' }
    meter.count('lockstep_http_requests_total', { ...labels, status: String(reply.statusCode) })
    meter.observe('lockstep_http_request_seconds', labels, reply.elapsedTime / 1_000)
    meter.gauge('lockstep_http_open_requests', {}, open.count)
    done()
  })
}
