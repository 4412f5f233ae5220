import type { FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import { lazy } from '#base/lazy.ts'
import { err, ok } from '#base/result.ts'
import { consoleRoutes } from '#api/common/console.ts'
import { eventsRoute } from '#api/common/events-route.ts'
import { notReady, overloaded, unavailable } from '#api/common/faults.ts'
import type { MetricsSource } from '#api/common/metrics.ts'
import type { NodeApi } from '#api/common/node-api.ts'
import { commonRoutes as routes } from '#api/common/routes.ts'
import { operatorRoutes } from '#api/common/operators.ts'
import { openApiDocument } from '#api/openapi.ts'
import type { Route } from '#api/route.ts'
import { preferredType } from './accepts.ts'
import type { BoundRoute } from './bound-route.ts'
import { bindCall } from './bound-route.ts'
import type { EventStreams } from './event-streams.ts'
import { sendFault } from './faults.ts'
import type { ConsoleOptions } from '#http/console/console-routes.ts'
import { consoleCalls } from '#http/console/console-routes.ts'
import { operatorCalls } from './operator-routes.ts'
import { referencePage } from '#http/reference/page.ts'

export interface CommonOptions {
  /** Null while the node starts. */
  readonly node: () => NodeApi | null
  readonly metrics: MetricsSource
  /** What its report looks like, of a service that says more than others. */
  readonly report?: TSchema
  readonly title: string
  readonly version: string
  /** Events of the services. */
  readonly events: readonly TSchema[]
  /** Where a browser is sent that asks for `/`. */
  readonly home: string
  /** Left out: a console that shows the members of the cluster. */
  readonly console?: ConsoleOptions
}

export const ownConsole: ConsoleOptions = { own: '', peers: [], isLocal: false, control: null }

/** The calls of every node. `others` are the calls of its services, which the documents describe too. */
export function commonRoutes(options: CommonOptions, streams: EventStreams, others: readonly BoundRoute[]): readonly BoundRoute[] {
  const { node, metrics, title, version, home } = options
  const metricsRoute = reportedBy(options.report)
  const events = eventsRoute(options.events)
  const all: readonly Route[] = [
    ...others.map(({ route }) => route),
    ...Object.values({ ...routes, ...operatorRoutes, ...consoleRoutes, metrics: metricsRoute }),
    events,
  ]
  const document = lazy(() => openApiDocument(all, { title, version }))
  const page = lazy(() => referencePage(document()))
  const endpoints = all.map(({ method, path, summary }) => ({ method, path, summary }))
  return [
    {
      route: routes.describe,
      serve: (request, reply) => {
        if (preferredType(request.headers.accept, ['application/json', 'text/html']) === 'text/html') return reply.redirect(home, 302)
        const api = node()
        return api === null ? sendFault(reply, starting()) : { ...api.describe(), endpoints }
      },
    },
    bindCall(routes.health, () => Promise.resolve(ok({ status: 'up' }))),
    bindCall(routes.ready, () => {
      const api = node()
      const reason = api === null ? 'the node is starting' : api.notReadyBecause()
      return Promise.resolve(reason === null ? ok({ status: 'ready' }) : err(notReady(reason)))
    }),
    { route: metricsRoute, serve: (request, reply) => serveMetrics(metrics, request, reply) },
    bindCall(routes.cluster, () => {
      const api = node()
      return Promise.resolve(api === null ? err(starting()) : ok(api.cluster()))
    }),
    ...operatorCalls(node),
    ...consoleCalls(node, options.console ?? ownConsole),
    { route: routes.openapi, serve: document },
    { route: routes.docs, serve: (_request, reply) => reply.type('text/html; charset=utf-8').headers(pageHeaders).send(page()) },
    { route: events, serve: (request, reply) => serveEvents(node(), streams, request, reply) },
  ]
}

function reportedBy(report: TSchema | undefined): Route {
  const { metrics } = routes
  if (report === undefined) return metrics
  return {
    ...metrics,
    answers: metrics.answers.map(({ content, ...rest }) => ({ ...rest, content: { ...content, 'application/json': report } })),
  }
}

const starting = () => unavailable('this node is starting')

/** The page needs nothing from anywhere, and may not fetch anything either. */
const pageHeaders = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
} as const

async function serveMetrics(metrics: MetricsSource, { query, headers }: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { format } = query as { readonly format?: 'json' | 'prometheus' }
  const preferred = preferredType(headers.accept, ['application/json', 'text/plain', 'application/openmetrics-text'])
  const asText = format === undefined ? preferred !== 'application/json' : format === 'prometheus'
  if (!asText) return metrics.report()
  return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics.prometheus())
}

function serveEvents(node: NodeApi | null, streams: EventStreams, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (node === null) return sendFault(reply, starting())
  if (streams.isFull) return sendFault(reply, overloaded(`as many streams of events are open as may be, ${streams.size}`, 5_000))
  reply.hijack()
  streams.open(reply.raw, node.events, { node: node.describe().node_id, headers: { 'x-request-id': request.id } })
  return reply
}
