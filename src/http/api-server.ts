import Fastify from 'fastify'
import type { FastifyInstance, FastifyServerFactory } from 'fastify'
import { overloaded, stopping } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import { faultOf } from '#api/errors.ts'
import type { Method, Route } from '#api/route.ts'
import { AccessGuard } from './access-guard.ts'
import { answerBadBytes, answerOddRequests, faultOfHost, withoutHostCheck } from './bad-bytes.ts'
import type { BoundRoute } from './bound-route.ts'
import { CallScope } from './call-scope.ts'
import type { CommonOptions } from './common-routes.ts'
import { commonRoutes, ownConsole } from './common-routes.ts'
import { EventStreams } from './event-streams.ts'
import { faultOfError, faultOfQuery, sendFault } from './faults.ts'
import { addRoute, routerPath } from './fastify-route.ts'
import { acceptJsonOnly } from './json-body.ts'
import type { HttpLimits } from './limits.ts'
import { httpLimits } from './limits.ts'
import { OpenRequests } from './open-requests.ts'
import { requestIds } from './request-id.ts'
import type { NodeHttp } from './node-http.ts'
import type { GuardPorts } from '#services/access/guarded-clients.ts'
import { callerGate } from '#http/console/caller-gate.ts'
import type { Admission } from '#services/common/admission.ts'
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
  /** Who may do what, and how often; null where everybody may do everything. */
  readonly access?: GuardPorts | null
  /** Whether new work is taken; null where all of it is, up to the limits. */
  readonly admission?: Admission | null
  /** Makes the server beneath, of HTTP or of HTTPS; one of HTTP unless given. */
  readonly serverFactory?: FastifyServerFactory
}

/** Where `httpMetrics` go. */
interface HttpMeter {
  count(name: string, labels: Readonly<Record<string, string>>): void
  gauge(name: string, labels: Readonly<Record<string, string>>, value: number): void
  observe(name: string, labels: Readonly<Record<string, string>>, value: number): void
}

/** The public API of a node over HTTP. The transport between nodes shares its server and port. */
export function createApiServer({ access = null, admission = null, ...options }: ApiServerOptions): NodeHttp {
  const limits = { ...httpLimits, ...options.limits }
  const { serverFactory } = options
  const fastify = Fastify({
    ...(serverFactory === undefined ? {} : { serverFactory }),
    bodyLimit: limits.bodyBytesMax,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: limits.parameterLengthMax },
    ajv: validatorOptions,
    genReqId: requestIds(),
    clientErrorHandler: answerBadBytes,
    http: withoutHostCheck,
    frameworkErrors: (error, request, reply) => void sendFault(reply.header('x-request-id', request.id), faultOfError(error, request)),
    schemaErrorFormatter: (errors, part) => validationError(errors as readonly SchemaError[], part),
  })
  const open = new OpenRequests()
  const calls = new CallScope()
  const streams = new EventStreams({ limits, now: options.now })
  const ofNode = commonRoutes(options, streams, options.routes)
  const all = [...options.routes, ...ofNode]
  const admit = callerGate(options.node, options.console ?? ownConsole)
  // Answered however much there is to do, so that a busy node is not taken for a dead one.
  const common = new Set(ofNode.map(({ route }) => route.path))

  const excess = (route: Route | undefined): Fault | null => {
    if (open.count > limits.openRequestsMax) {
      const what = `${limits.openRequestsMax} requests are being answered already`
      return admission?.shed('number', what) ?? overloaded(what)
    }
    return route === undefined || route.keeps ? null : (admission?.refusal(open.count) ?? null)
  }

  answerOddRequests(fastify.server, limits)
  acceptJsonOnly(fastify)
  // A hook that is not async costs no promise, of which a request has enough.
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    const entrance = admit(request, reply)
    const misaddressed = faultOfHost(request) ?? faultOfQuery(request)
    if (!open.add(reply.raw)) sendFault(reply.header('connection', 'close'), stopping())
    else if (misaddressed !== null) sendFault(reply, misaddressed)
    else if (entrance.type === 'refuse') sendFault(reply, entrance.fault)
    else if (entrance.type === 'preflight') reply.code(204).send()
    else {
      const refusal = common.has(request.routeOptions.url ?? '') ? null : excess(request.routeOptions.config.route)
      if (refusal === null) done()
      else sendFault(reply, refusal)
    }
  })
  fastify.decorateRequest('caller', null)
  const guard = access === null ? null : new AccessGuard(access)
  guard?.watch(fastify)
  fastify.setErrorHandler<Error & { readonly code?: string; readonly statusCode?: number }>((error, request, reply) => {
    const fault = faultOfError(error, request)
    if (fault.code === 'internal') options.onFailure({ error, requestId: request.id, path: request.routeOptions.url ?? '' })
    return sendFault(reply, fault)
  })
  answerUnknown(fastify, all)
  measure(fastify, options.meter, { open, all })
  for (const each of all) {
    const bound = each.route.streams ? watched(each, options) : each
    addRoute(fastify, guard?.guarded(bound) ?? bound, calls)
  }
  const drain = (withinMs: number): Promise<void> => {
    calls.stop()
    streams.close()
    return open.drain(withinMs)
  }
  return { fastify, drain }
}

/** A stream that fails after its head was sent can only be broken off: the router has no part in it any more. */
function watched({ route, serve }: BoundRoute, { onFailure }: Pick<ApiServerOptions, 'onFailure'>): BoundRoute {
  return {
    route,
    serve: async (request, reply, call) => {
      try {
        return await serve(request, reply, call)
      } catch (error) {
        if (!reply.sent) throw error
        onFailure({ error: error as Error, requestId: request.id, path: route.path })
        reply.raw.destroy()
        return reply
      }
    },
  }
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

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE'])

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
