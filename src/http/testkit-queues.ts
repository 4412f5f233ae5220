import type { InjectOptions } from 'fastify'
import { ok } from '#base/result.ts'
import type { Call } from '#api/call.ts'
import type { NodeEvent } from '#api/common/events.ts'
import type { ClusterView, NodeApi } from '#api/common/node-api.ts'
import type { RingView } from '#api/common/ring.ts'
import type { Deliveries, Delivery } from '#api/queues/consume.ts'
import { queueEvents } from '#api/queues/events.ts'
import { settingDefaults } from '#api/queues/limits.ts'
import type { QueueApi } from '#api/queues/queue-api.ts'
import type { QueueSettings, QueueView } from '#api/queues/queues.ts'
import { receiptOf } from '#api/queues/receipt.ts'
import type { queueRoutes as routes } from '#api/queues/routes.ts'
import type { JsonBytes } from '#api/schemas.ts'
import type { ApiServerOptions } from './api-server.ts'
import { createApiServer } from './api-server.ts'
import { httpMetrics } from '#http/metrics/definitions.ts'
import { PrometheusMetrics } from '#http/metrics/prometheus-metrics.ts'
import { agreeableOperators } from './testkit-operators.ts'
import type { NodeHttp } from './node-http.ts'
import { queueRoutes } from './queue-routes.ts'

const wallMs = Date.UTC(2026, 0, 31, 12)
const at = new Date(wallMs).toISOString()

export const idOf = (number: number): string => `00070000-0000-802a-8000-${number.toString(16).padStart(12, '0')}`
const rawJson = (text: string): JsonBytes => Buffer.from(text) as Uint8Array as JsonBytes

export const deliveryOf = (number: number, json = '"New order #123"'): Delivery => ({
  message_id: idOf(number),
  message: rawJson(json),
  queue: 'orders',
  delivery_count: 1,
  receipt: receiptOf(idOf(number), 1),
  enqueued_at: at,
  visible_until: at,
  failed_count: 0,
  priority: 0,
})

const counts = { ready: 1, in_flight: 2, delayed: 3, dead: 4, dead_pending: 5, oldest_age_ms: 1_000 } as const
const queue: QueueView = {
  queue: 'orders',
  revision: 7,
  partitions: 1,
  paused: false,
  ...counts,
  lag: 3,
  rates: { enqueued: 1.5, delivered: 1, acknowledged: 0 },
  redrive: null,
  consumer_count: 1,
  consumers: [{ consumer_id: 'order_processor', in_flight: 2, waiting: true }],
}
const settings: QueueSettings = settingDefaults
const ring = { version: 3, slot_count: 32, nodes: [{ node_id: 'queue-node-1', virtual_nodes: 512, leads: 11, holds: 32 }] } as const
const slots: RingView['slots'] = [{ slot: 0, owner: 'queue-node-1', term: 3, replicas: ['queue-node-1', 'queue-node-2'] }]
const paged = { queues: [queue], next: null, missing_slots: [] } as const
const seen = {
  message_id: idOf(1),
  message: rawJson('{"n": 1e400}'),
  partition: 0,
  enqueued_at: at,
  age_ms: 5,
  delivery_count: 0,
  failed_count: 0,
  priority: 0,
} as const

/** Says yes to everything, in the words of the walk-through. */
const agreeable: QueueApi = {
  produce: async ({ messages }) =>
    ok(messages.map((_message, index) => ok({ status: 'enqueued', message_id: idOf(index), node: 'queue-node-3' }))),
  consume: async ({ max }): Promise<{ ok: true; value: Deliveries }> =>
    ok({ messages: Array.from({ length: Math.min(max, 2) }, (_message, index) => deliveryOf(index)), paused: false }),
  undelivered: () => {},
  ack: async ({ refs }) => ok(refs.map(({ message_id }) => ok({ status: 'acknowledged', message_id }))),
  nack: async ({ refs }) => ok(refs.map(({ message_id }) => ok({ status: 'returned', message_id }))),
  extend: async ({ refs }) => ok(refs.map(({ message_id }) => ok({ status: 'extended', message_id, visible_until: at }))),
  cancel: async ({ message_ids }) => ok(message_ids.map((message_id) => ok({ status: 'cancelled', message_id }))),
  queues: async () => ok({ node_id: 'queue-node-1', ...paged }),
  queue: async ({ queue: name }) =>
    ok({
      node_id: 'queue-node-1',
      ...queue,
      queue: name,
      settings,
      partition_list: [{ partition: 0, slot: 7, leader: 'queue-node-2', ...counts, redrive: { from: 'dead', moved: 3 } }],
      missing_slots: [],
    }),
  putQueue: async ({ queue: name, partitions = 1 }) => ok({ status: 'changed', queue: name, partitions, revision: 8, settings }),
  deleteQueue: async ({ queue: name }) => ok({ status: 'deleted', queue: name }),
  purge: async ({ queue: name }) => ok({ status: 'purged', queue: name, count: 3 }),
  redrive: async ({ queue: name }) => ok({ status: 'started', queue: name, moved: 0 }),
  cancelRedrive: async ({ queue: name }) => ok({ status: 'cancelled', queue: name, moved: 3 }),
  peek: async ({ queue: name }) => ok({ queue: name, messages: [seen], next: '7.42' }),
  scheduled: async ({ queue: name }) => ok({ queue: name, messages: [{ ...seen, due_at: at }], next: null }),
  status: async () =>
    ok({
      service: 'queue',
      node_id: 'queue-node-1',
      cluster_id: 'c',
      engine: 'embedded',
      ring: { ...ring, slots },
      ...paged,
      storage: { engine: 'embedded', durable: true, bytes_used: 1, bytes_free: null, entries: 1, warnings: [] },
    }),
}

class FakeNode implements NodeApi {
  readonly operators = agreeableOperators
  readonly listeners = new Set<(event: NodeEvent) => void>()
  readonly events: NodeApi['events'] = {
    subscribe: (listener) => {
      this.listeners.add(listener)
      return () => this.listeners.delete(listener)
    },
  }

  describe(): ReturnType<NodeApi['describe']> {
    return {
      service: 'queue',
      version: '0.1.0',
      cluster_id: 'c',
      node_id: 'queue-node-1',
      role: 'follower',
      leader: 'queue-node-2',
      term: 3,
      ring,
    }
  }

  notReadyBecause(): string | null {
    return null
  }

  cluster(): ClusterView {
    return { node_id: 'queue-node-1', cluster_id: 'c', engine: 'embedded', members: [], slots: [], warnings: [] }
  }
}

interface Options extends Partial<ApiServerOptions> {
  readonly heartbeatMs?: number
}

/** The HTTP side of a queue node over a service that says what it is told to. */
export class ServedQueues implements AsyncDisposable {
  readonly failures: Parameters<ApiServerOptions['onFailure']>[0][] = []
  readonly http: NodeHttp
  /** Requests that the service was given, with the calls they came in. */
  readonly asked: { readonly method: string; readonly request: unknown; readonly call: Call }[] = []
  isStarting = false

  constructor(answers: Partial<QueueApi> = {}, { heartbeatMs, ...options }: Options = {}) {
    const queues = this.#recorded({ ...agreeable, ...answers })
    const node = new FakeNode()
    const metrics = new PrometheusMetrics({ node: 'queue-node-1', definitions: httpMetrics, process: false, now: () => wallMs })
    this.http = createApiServer({
      node: () => (this.isStarting ? null : node),
      metrics,
      meter: metrics,
      routes: queueRoutes(() => (this.isStarting ? null : queues), heartbeatMs === undefined ? {} : { heartbeatMs }),
      events: Object.values(queueEvents),
      title: 'Lockstep queues',
      version: '0.1.0',
      home: '/docs',
      onFailure: (failure) => this.failures.push(failure),
      now: () => wallMs,
      ...options,
    })
  }

  #recorded(api: QueueApi): QueueApi {
    const recorded = Object.entries(api).map(([method, answer]: [string, QueueApi['ack']]) => [
      method,
      (request: never, call: Call) => {
        this.asked.push({ method, request, call })
        return answer(request, call)
      },
    ])
    return Object.fromEntries(recorded) as QueueApi
  }

  /** On a free port of this machine. */
  listen(): Promise<string> {
    return this.http.fastify.listen({ host: '127.0.0.1', port: 0 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.http.drain(0)
    await this.http.fastify.close()
  }
}

/** A good request for every call. */
export const goodRequests: Readonly<Record<keyof typeof routes, InjectOptions>> = {
  produce: { method: 'POST', url: '/produce', payload: { queue: 'orders', message: 'New order #123' } },
  consume: { method: 'POST', url: '/consume', payload: { queue: 'orders', consumer_id: 'order_processor' } },
  consumeStream: { method: 'GET', url: '/consume/stream?queue=orders&consumer_id=c&credit=2' },
  ack: { method: 'POST', url: '/ack', payload: { message_id: idOf(1) } },
  nack: { method: 'POST', url: '/nack', payload: { receipt: receiptOf(idOf(1), 1), kind: 'fail', delay_ms: 5 } },
  extend: { method: 'POST', url: '/extend', payload: { receipt: receiptOf(idOf(1), 1), visibility_ms: 5_000 } },
  cancel: { method: 'POST', url: '/cancel', payload: { message_id: idOf(1) } },
  putQueue: { method: 'PUT', url: '/queues/orders', payload: { partitions: 4, ttl_ms: null, retry: { growth: 'fixed' } } },
  deleteQueue: { method: 'DELETE', url: '/queues/orders' },
  purge: { method: 'POST', url: '/queues/orders/purge', payload: { dead: true } },
  redrive: { method: 'POST', url: '/queues/orders/redrive', payload: { from: 'ready', rate: 10 } },
  cancelRedrive: { method: 'DELETE', url: '/queues/orders/redrive' },
  queues: { method: 'GET', url: '/queues?limit=10&prefix=or' },
  queue: { method: 'GET', url: '/queues/orders' },
  peek: { method: 'GET', url: '/queues/orders/peek?state=dead&limit=5' },
  scheduled: { method: 'GET', url: '/queues/orders/scheduled' },
  status: { method: 'GET', url: '/status' },
}
