import { ok } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import type { NodeEvent } from '#api/common/events.ts'
import type { ClusterView, NodeApi } from '#api/common/node-api.ts'
import { lockEvents } from '#api/locks/events.ts'
import type { LockApi } from '#api/locks/lock-api.ts'
import type { ApiServerOptions } from './api-server.ts'
import { createApiServer } from './api-server.ts'
import { lockRoutes } from './lock-routes.ts'
import { httpMetrics } from '#http/metrics/definitions.ts'
import { PrometheusMetrics } from '#http/metrics/prometheus-metrics.ts'
import type { NodeHttp } from './node-http.ts'
import { agreeableOperators } from './testkit-operators.ts'

const wallMs = Date.UTC(2026, 0, 31, 12)
const at = new Date(wallMs).toISOString()
const standing = { node_id: 'lock-node-1', role: 'follower', leader: 'lock-node-2', term: 3 } as const
const holder = { client_id: 'client_A', lock_type: 'exclusive', fencing_token: 7 } as const
const lease = { ttl_ms: 60_000, expires_at: at } as const
const link = { client_id: 'client_A', waits_for: 'client_B', resource_id: 'r', behind: 'holder' } as const
const lock = {
  resource_id: 'db_table',
  holders: [{ ...holder, expires_at: at }],
  holder_count: 1,
  waiters: [{ client_id: 'client_B', lock_type: 'shared', position: 1, upgrade: false, ends_at: at }],
  waiter_count: 1,
  closed_until: null,
} as const

/** Says yes to everything, in the words of the walk-through. */
const agreeable: LockApi = {
  acquire: async ({ resource_id, client_id, lock_type = 'exclusive' }) =>
    ok({ status: 'granted', resource_id, client_id, lock_type, fencing_token: 7, ...lease }),
  acquireMany: async ({ resources, client_id }) => {
    const locks = resources.map(({ resource_id, lock_type = 'exclusive' }, index) => ({ resource_id, lock_type, fencing_token: index + 1 }))
    return ok({ status: 'granted', client_id, locks, ...lease })
  },
  release: async () => ok({ status: 'released', granted_to: [{ ...holder, client_id: 'client_B', fencing_token: 8 }] }),
  extend: async ({ resource_id, client_id, ttl_ms = 60_000 }) =>
    ok({ status: 'extended', resource_id, client_id, fencing_token: 7, ttl_ms, expires_at: at }),
  openSession: async ({ client_id, ttl_ms = 10_000 }) => ok({ status: 'opened', session_id: 'session-1', client_id, ttl_ms }),
  keepSessionAlive: async ({ session_id }) => ok({ status: 'kept', session_id, ttl_ms: 10_000, wounded: false }),
  endSession: async ({ session_id }) => ok({ status: 'ended', session_id }),
  locks: async () => ok({ ...standing, locks: [lock], next: null }),
  lock: async ({ resource_id }) => ok({ ...standing, ...lock, resource_id }),
  deadlocks: async () =>
    ok({
      ...standing,
      mode: 'requester',
      graph: [link],
      truncated: false,
      found: 1,
      recent: [{ at, mode: 'requester', victim: 'client_A', cycle: ['client_A', 'client_B'], waits: [link], cycle_length: 2 }],
    }),
  check: async () => ok({ valid: true, reason: 'held' }),
  forceRelease: async () => ok({ status: 'released', granted_to: [] }),
}

const cluster: ClusterView = {
  node_id: 'lock-node-1',
  cluster_id: 'c',
  engine: 'embedded',
  members: [{ node_id: 'lock-node-1', address: '127.0.0.1:8001', incarnation: '1', state: 'active' }],
  slots: [
    {
      slot: 0,
      role: 'follower',
      leader: 'lock-node-2',
      term: 3,
      commit_index: 9,
      applied_index: 9,
      changing: false,
      replicas: [{ node_id: 'lock-node-1', voter: true, lag: null }],
    },
  ],
  warnings: [],
}

/** A node that may be told what to say. */
class FakeNode implements NodeApi {
  readonly operators = agreeableOperators
  reason: string | null = null
  readonly listeners = new Set<(event: NodeEvent) => void>()
  readonly events: NodeApi['events'] = {
    subscribe: (listener) => {
      this.listeners.add(listener)
      return () => this.listeners.delete(listener)
    },
  }

  describe(): ReturnType<NodeApi['describe']> {
    return { service: 'lock', version: '0.1.0', cluster_id: 'c', ...standing }
  }

  notReadyBecause(): string | null {
    return this.reason
  }

  cluster(): ClusterView {
    return cluster
  }

  publish(event: NodeEvent): void {
    for (const listener of this.listeners) listener(event)
  }
}

export class Served implements AsyncDisposable {
  readonly node = new FakeNode()
  readonly failures: Parameters<ApiServerOptions['onFailure']>[0][] = []
  readonly metrics = new PrometheusMetrics({ node: 'lock-node-1', definitions: httpMetrics, process: false, now: () => wallMs })
  readonly http: NodeHttp
  /** Requests that the service was given, with the calls they came in. */
  readonly asked: { readonly method: string; readonly request: unknown; readonly call: Call }[] = []
  isStarting = false
  #listening: Promise<string> | null = null

  constructor(answers: Partial<LockApi> = {}, options: Partial<ApiServerOptions> = {}) {
    const locks = this.#recorded({ ...agreeable, ...answers })
    this.http = createApiServer({
      node: () => (this.isStarting ? null : this.node),
      metrics: this.metrics,
      meter: this.metrics,
      routes: lockRoutes(() => (this.isStarting ? null : locks)),
      events: Object.values(lockEvents),
      title: 'Lockstep locks',
      version: '0.1.0',
      home: '/docs',
      onFailure: (failure) => this.failures.push(failure),
      now: () => wallMs,
      ...options,
    })
  }

  #recorded(api: LockApi): LockApi {
    const recorded = Object.entries(api).map(([method, answer]: [string, LockApi['acquire']]) => [
      method,
      (request: never, call: Call) => {
        this.asked.push({ method, request, call })
        return answer(request, call)
      },
    ])
    return Object.fromEntries(recorded) as LockApi
  }

  /** On a free port of this machine. */
  listen(): Promise<string> {
    this.#listening = this.http.fastify.listen({ host: '127.0.0.1', port: 0 })
    return this.#listening
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listening
    await this.http.drain(0)
    await this.http.fastify.close()
  }
}
