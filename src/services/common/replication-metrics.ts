import type { MetricDefinition } from '#api/common/metrics.ts'

/** In seconds. */
const electionSeconds = [0.05, 0.1, 0.2, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30] as const
export const roundSeconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5] as const

/** What every replicated service measures. */
export const replicationMetrics: readonly MetricDefinition[] = [
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
  { type: 'gauge', name: 'lockstep_transport_connections', help: 'Connections with other nodes that are up.', labels: [] },
]
