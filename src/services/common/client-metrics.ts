import type { MetricDefinition } from '#api/common/metrics.ts'

/** What every service measures that programs talk to over a connection of their own. */
export const clientMetrics: readonly MetricDefinition[] = [
  {
    type: 'counter',
    name: 'lockstep_client_connections_total',
    help: 'Connections of clients that speak the binary protocol, by what became of them.',
    labels: ['outcome'],
  },
  { type: 'gauge', name: 'lockstep_client_connections', help: 'Such connections that are up.', labels: [] },
]
