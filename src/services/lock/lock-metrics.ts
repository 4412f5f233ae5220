import type { MetricDefinition } from '#api/common/metrics.ts'

/** In seconds. */
const electionSeconds = [0.05, 0.1, 0.2, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30] as const
const roundSeconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5] as const
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
  {
    type: 'histogram',
    name: 'lockstep_election_seconds',
    help: 'For how long this node knew no leader: from when it missed the last one until it heard of the next.',
    labels: ['group'],
    buckets: electionSeconds,
  },
  {
    type: 'histogram',
    name: 'lockstep_consensus_round_seconds',
    help: 'From the append of an entry at the leader until a majority had it on disk and it was applied; on leaders.',
    labels: ['group'],
    buckets: roundSeconds,
  },
  { type: 'counter', name: 'lockstep_raft_snapshots_total', help: 'Snapshots taken.', labels: ['group'] },
  {
    type: 'counter',
    name: 'lockstep_transport_dropped_total',
    help: 'Messages to other nodes that were dropped.',
    labels: ['lane', 'cause'],
  },
  {
    type: 'counter',
    name: 'lockstep_transport_connections_total',
    help: 'Connections with other nodes, by what became of them.',
    labels: ['outcome'],
  },
  { type: 'counter', name: 'lockstep_transport_bytes_total', help: 'Bytes from and to other nodes.', labels: ['direction'] },
  {
    type: 'counter',
    name: 'lockstep_client_connections_total',
    help: 'Connections of clients that speak the binary protocol, by what became of them.',
    labels: ['outcome'],
  },
  { type: 'gauge', name: 'lockstep_client_connections', help: 'Such connections that are up.', labels: [] },
  { type: 'gauge', name: 'lockstep_transport_connections', help: 'Connections with other nodes that are up.', labels: [] },
]
