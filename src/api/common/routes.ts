import { anyToken, openAccess } from '#api/access/access.ts'
import { Type } from '#api/type.ts'
import { json, plain, route } from '#api/route.ts'
import type { Route } from '#api/route.ts'
import { closed, oneOf, optional } from '#api/schemas.ts'
import { metricsReport } from './metrics.ts'
import { clusterView, healthView, nodeDescription, readyView } from './node-api.ts'

/** The calls of every node of every service. */

const tag = 'Node'

export const commonRoutes = {
  describe: route({
    id: 'describe',
    access: anyToken,
    method: 'GET',
    path: '/',
    tag,
    summary: 'What this node is',
    description: 'A browser, which asks for HTML, is sent to a page for people.',
    answers: [json(200, 'The node, and what it serves.', nodeDescription), plain(302, 'To a page for people.', 'text/html')],
  }),
  health: route({
    id: 'health',
    access: openAccess,
    method: 'GET',
    path: '/healthz',
    tag,
    summary: 'Is the process up?',
    description: 'Restart a node that does not answer. Says nothing about the cluster: see `/readyz`.',
    answers: [json(200, 'It is.', healthView)],
  }),
  ready: route({
    id: 'ready',
    access: openAccess,
    method: 'GET',
    path: '/readyz',
    tag,
    summary: 'Can this node serve?',
    description: 'It has joined a cluster, and knows a leader for every slot it serves.',
    answers: [json(200, 'It can.', readyView)],
    errors: ['not_ready'],
  }),
  metrics: route({
    id: 'metrics',
    access: anyToken,
    method: 'GET',
    path: '/metrics',
    tag,
    summary: 'What was measured',
    description:
      'JSON for people; the text format of Prometheus when the header `Accept` prefers `text/plain` or OpenMetrics, or with `format=prometheus`.',
    query: closed({ format: optional(oneOf(['json', 'prometheus'])) }),
    answers: [
      {
        status: 200,
        description: 'All metrics of this node since it was started.',
        content: { 'application/json': metricsReport, 'text/plain': Type.String() },
      },
    ],
  }),
  cluster: route({
    id: 'cluster',
    access: anyToken,
    method: 'GET',
    path: '/cluster',
    tag,
    summary: 'Members, slots and leaders',
    description: 'As this node knows them.',
    answers: [json(200, 'The cluster.', clusterView)],
    errors: ['unavailable'],
  }),
  openapi: route({
    id: 'openapi',
    access: anyToken,
    method: 'GET',
    path: '/openapi.json',
    tag,
    summary: 'This API as an OpenAPI 3.1 document',
    answers: [json(200, 'The document.', Type.Unsafe<object>({ type: 'object' }))],
  }),
  docs: route({
    id: 'docs',
    access: anyToken,
    method: 'GET',
    path: '/docs',
    tag,
    summary: 'This API as a page to read',
    answers: [plain(200, 'A page that needs nothing else.', 'text/html')],
  }),
} as const satisfies Readonly<Record<string, Route>>
