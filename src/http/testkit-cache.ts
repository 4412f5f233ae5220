import type { InjectOptions } from 'fastify'
import { ok } from '#base/result.ts'
import type { CacheApi, Watched } from '#api/cache/cache-api.ts'
import { cacheEvents } from '#api/cache/events.ts'
import { cacheMetricsReport } from '#api/cache/metrics.ts'
import type { cacheRoutes as routes } from '#api/cache/routes.ts'
import type { NodeEvent } from '#api/common/events.ts'
import type { JsonBytes } from '#api/schemas.ts'
import type { ApiServerOptions } from './api-server.ts'
import { createApiServer } from './api-server.ts'
import { cacheRoutes } from './cache-routes.ts'
import { httpMetrics } from '#http/metrics/definitions.ts'
import { PrometheusMetrics } from '#http/metrics/prometheus-metrics.ts'
import type { NodeHttp } from './node-http.ts'

const wallMs = Date.UTC(2026, 0, 31, 12)
const line = { state: 'S', version: '3.17.0', hit: false } as const
const changed = { state: 'M', version: '3.18.0', invalidated: 2 } as const
const ring = { version: 3, slot_count: 32, nodes: [{ node_id: 'cache-node-1', virtual_nodes: 512, leads: 11, holds: 32 }], slots: [] }
const info = { lines: 1, lines_max: 5, bytes: 200, bytes_max: 1_000 }
const states = { M: 1, E: 0, S: 0, I: 0 }

const rawJson = (text: string): JsonBytes => Buffer.from(text) as Uint8Array as JsonBytes

/** A bus and a watched key whose events a test publishes. */
class Feeds {
  readonly bus = new Set<(event: NodeEvent) => void>()
  readonly watchers = new Set<(value: Watched) => void>()
}

/** Has every key but `nobody`. */
function agreeable(feeds: Feeds): CacheApi {
  return {
    read: async ({ key }) =>
      key === 'nobody'
        ? ok({ key, value: null, found: false, ...line })
        : ok({ key, value: rawJson('{"n": 1e400}'), found: true, ...line }),
    write: async ({ key }) => ok({ key, ...changed }),
    delete: async ({ key }) => ok({ key, ...changed }),
    increment: async ({ key, by = 1 }) => ok({ key, value: 41 + by, ...changed }),
    watch: (key, listener) => {
      feeds.watchers.add(listener)
      listener({ key, value: rawJson('[1,\n2]'), found: true, version: '3.17.0' })
      return () => feeds.watchers.delete(listener)
    },
    status: async () =>
      ok({
        service: 'cache',
        node_id: 'cache-node-1',
        cluster_id: 'c',
        agent_id: 'cache-node-1/00',
        capacity: info,
        states,
        homes: { slots: 11, open: 11, agents: 3, keys: 1, values: 1, value_bytes: 5, value_bytes_max: 900 },
        store: 'disk',
        slots_lost: [],
        ring,
        lines: [{ key: 'k', state: 'M', version: '3.17.0', bytes: 5, present: true, dirty: false, usable: true }],
        next: 'k',
      }),
    bus: {
      subscribe: (listener) => {
        feeds.bus.add(listener)
        return () => feeds.bus.delete(listener)
      },
    },
  }
}

/** The HTTP side of a cache node over a service that says what it is told to. */
export class ServedCache implements AsyncDisposable {
  readonly feeds = new Feeds()
  readonly http: NodeHttp
  readonly asked: { readonly method: string; readonly request: unknown }[] = []
  isStarting = false

  constructor(answers: Partial<CacheApi> = {}, options: Partial<ApiServerOptions> = {}) {
    const cache = this.#recorded({ ...agreeable(this.feeds), ...answers })
    const metrics = new PrometheusMetrics({ node: 'cache-node-1', definitions: httpMetrics, process: false, now: () => wallMs })
    this.http = createApiServer({
      node: () => null,
      metrics,
      report: cacheMetricsReport,
      meter: metrics,
      routes: cacheRoutes({ api: () => (this.isStarting ? null : cache), node: 'cache-node-1', now: () => wallMs }),
      events: Object.values(cacheEvents),
      title: 'Lockstep cache',
      version: '0.1.0',
      home: '/docs',
      onFailure: ({ error }) => {
        throw error
      },
      now: () => wallMs,
      ...options,
    })
  }

  #recorded(api: CacheApi): CacheApi {
    const recorded = (['read', 'write', 'delete', 'increment', 'status'] as const).map((method) => [
      method,
      (request: never, call: never) => {
        this.asked.push({ method, request })
        return api[method](request, call)
      },
    ])
    return { ...api, ...(Object.fromEntries(recorded) as CacheApi) }
  }

  listen(): Promise<string> {
    return this.http.fastify.listen({ host: '127.0.0.1', port: 0 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.http.drain(0)
    await this.http.fastify.close()
  }
}

/** A good request for every call that does not stream. */
export const goodRequests: Readonly<Record<Exclude<keyof typeof routes, 'watch' | 'bus'>, InjectOptions>> = {
  read: { method: 'GET', url: '/read/user_123' },
  write: {
    method: 'POST',
    url: '/write/user_123',
    payload: { value: { name: 'Alice' }, ttl_ms: 5, ack: 'owner', operation_id: 'o', retry: true },
  },
  remove: { method: 'DELETE', url: '/read/user_123' },
  delete: { method: 'DELETE', url: '/delete/user_123?if_version=1.2.3' },
  increment: { method: 'POST', url: '/increment/n', payload: { by: -2 } },
  batch: {
    method: 'POST',
    url: '/batch',
    payload: {
      operations: [
        { type: 'read', key: 'a' },
        { type: 'read', key: 'nobody' },
        { type: 'write', key: 'b', value: null, if_absent: true },
        { type: 'delete', key: 'c', if_version: '1.2.3' },
        { type: 'increment', key: 'd', by: 2 },
      ],
    },
  },
  status: { method: 'GET', url: '/status?limit=10&prefix=u' },
}
