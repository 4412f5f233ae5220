import type { MetricDefinition } from '#api/common/metrics.ts'
import { admissionMetrics } from '#services/common/admission.ts'
import { replicationMetrics } from '#services/common/replication-metrics.ts'

/** What a node of the cache service measures besides its HTTP side. */
export const cacheMetrics: readonly MetricDefinition[] = [
  { type: 'counter', name: 'lockstep_cache_lookups_total', help: 'Reads, by whether this node had the line.', labels: ['outcome'] },
  {
    type: 'counter',
    name: 'lockstep_cache_transitions_total',
    help: 'Changes of the state of a line on this node, by the states of MESI.',
    labels: ['from', 'to'],
  },
  {
    type: 'counter',
    name: 'lockstep_cache_bus_requests_total',
    help: 'Bus transactions that this node asked for.',
    labels: ['transaction'],
  },
  {
    type: 'counter',
    name: 'lockstep_cache_snoops_total',
    help: 'Snoops of the homes on this node, and those that its agent got.',
    labels: ['type', 'direction'],
  },
  { type: 'counter', name: 'lockstep_cache_evictions_total', help: 'Lines that made room.', labels: [] },
  {
    type: 'counter',
    name: 'lockstep_cache_write_backs_total',
    help: 'Values at the level owner that were sent to memory.',
    labels: [],
  },
  { type: 'counter', name: 'lockstep_cache_lost_total', help: 'Values at the level owner that were lost with a lease.', labels: [] },
  { type: 'counter', name: 'lockstep_cache_lapses_total', help: 'Leases of slots that ended.', labels: [] },
  {
    type: 'counter',
    name: 'lockstep_cache_slots_lost_total',
    help: 'How often a slot of the cluster lost most of its replicas in memory and began anew, as this node knows it.',
    labels: [],
  },
  { type: 'gauge', name: 'lockstep_cache_lines', help: 'Lines on this node.', labels: ['state'] },
  { type: 'gauge', name: 'lockstep_cache_line_bytes', help: 'What the lines on this node take.', labels: [] },
  { type: 'gauge', name: 'lockstep_cache_homes', help: 'Slots whose home is this node.', labels: [] },
  ...admissionMetrics,
  ...replicationMetrics,
]
