import type { MetricDefinition } from '#api/common/metrics.ts'
import { clientMetrics } from '#services/common/client-metrics.ts'
import { admissionMetrics } from '#services/common/admission.ts'
import { replicationMetrics, roundSeconds } from '#services/common/replication-metrics.ts'

/** In seconds. */
const acquireSeconds = [...roundSeconds, 10, 20, 30, 60] as const

/** What a node of the lock service measures besides its HTTP side. */
export const lockMetrics: readonly MetricDefinition[] = [
  {
    type: 'histogram',
    name: 'lockstep_lock_acquire_seconds',
    help: 'From a request for locks to its answer on the node that was asked, waits included.',
    labels: ['outcome'],
    buckets: acquireSeconds,
  },
  { type: 'counter', name: 'lockstep_deadlocks_total', help: 'Deadlocks found in the cluster, as this node knows.', labels: [] },
  { type: 'counter', name: 'lockstep_lock_grants_total', help: 'Locks granted in the cluster, as this node knows.', labels: [] },
  { type: 'gauge', name: 'lockstep_locks_held', help: 'Holds in the cluster, as this node knows; a shared lock has several.', labels: [] },
  { type: 'gauge', name: 'lockstep_lock_waits', help: 'Requests that wait in the cluster, as this node knows.', labels: [] },
  {
    type: 'gauge',
    name: 'lockstep_lock_sessions',
    help: 'Open sessions in the cluster, as this node knows; each node has one of its own.',
    labels: [],
  },
  ...clientMetrics,
  ...admissionMetrics,
  ...replicationMetrics,
]
