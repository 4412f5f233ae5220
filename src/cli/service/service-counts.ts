import type { CacheReport } from '#api/cache/metrics.ts'
import { cacheRoutes } from '#api/cache/routes.ts'
import { commonRoutes } from '#api/common/routes.ts'
import { lockRoutes } from '#api/locks/routes.ts'
import { queueApiLimits } from '#api/queues/limits.ts'
import type { QueueView } from '#api/queues/queues.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import { bodyAt } from './node-body.ts'
import type { Service, ServiceClient } from './service-client.ts'

/** What there is to count of a service, by names for people. */
export type Counts = Readonly<Record<string, number>>

/** Of one node. Locks and queues are the cluster's. */
export async function nodeCounts(client: ServiceClient, service: Service, url: string): Promise<Counts | null> {
  if (service !== 'cache') return {}
  const [status, report] = await Promise.all([
    bodyAt(client, url, cacheRoutes.status, { limit: 1 }),
    bodyAt(client, url, commonRoutes.metrics, { format: 'json' }),
  ])
  if (status === null || report === null) return null
  const { homes, states } = status
  // A cache node says more than every node does.
  const { performance } = report as unknown as CacheReport
  return {
    homes: homes.open,
    values: homes.values,
    M: states.M,
    E: states.E,
    S: states.S,
    hit_percent: Math.round(performance.hit_rate * 100),
  }
}

interface Known {
  /** Of the node that knows best. */
  readonly source: string
  readonly nodes: readonly { readonly counts: Counts | null }[]
}

/** Of the whole cluster; null when no node told. */
export function countsOf(client: ServiceClient, service: Service, { source, nodes }: Known): Promise<Counts | null> {
  switch (service) {
    case 'lock':
      return lockCounts(client, source)
    case 'queue':
      return queueCounts(client, source)
    case 'cache':
      return Promise.resolve(cacheCounts(nodes))
  }
}

async function lockCounts(client: ServiceClient, url: string): Promise<Counts | null> {
  const [metrics, deadlocks] = await Promise.all([
    bodyAt(client, url, commonRoutes.metrics, { format: 'json' }),
    bodyAt(client, url, lockRoutes.deadlocks, { consistency: 'local' }),
  ])
  if (metrics === null) return null
  const valueOf = (name: string): number => metrics.metrics[name]?.values[0]?.value ?? 0
  return {
    holds: valueOf('lockstep_locks_held'),
    waits: valueOf('lockstep_lock_waits'),
    sessions: valueOf('lockstep_lock_sessions'),
    deadlocks: deadlocks?.found ?? 0,
  }
}

/** Of the first queues by name: as many as one answer has. */
async function queueCounts(client: ServiceClient, url: string): Promise<Counts | null> {
  const view = await bodyAt(client, url, queueRoutes.queues, { limit: queueApiLimits.pageMax })
  if (view === null) return null
  const sum = (of: (queue: QueueView) => number): number => view.queues.reduce((total, queue) => total + of(queue), 0)
  return {
    queues: view.queues.length,
    ready: sum(({ ready }) => ready),
    in_flight: sum(({ in_flight: count }) => count),
    delayed: sum(({ delayed }) => delayed),
    dead: sum(({ dead, dead_pending: pending }) => dead + pending),
  }
}

function cacheCounts(nodes: Known['nodes']): Counts {
  const sum = (...names: readonly string[]): number =>
    nodes.reduce((total, { counts }) => total + names.reduce((some, name) => some + (counts?.[name] ?? 0), 0), 0)
  return { values: sum('values'), lines: sum('M', 'E', 'S'), homes: sum('homes') }
}
