import type { MetricDefinition } from '#api/common/metrics.ts'
import { clientMetrics } from '#services/common/client-metrics.ts'
import { admissionMetrics } from '#services/common/admission.ts'
import { replicationMetrics } from '#services/common/replication-metrics.ts'

/** What a node of the queue service measures besides its HTTP side. */
export const queueMetrics: readonly MetricDefinition[] = [
  {
    type: 'counter',
    name: 'lockstep_queue_messages_total',
    help: 'Messages of the slots that this node has replicas of, by what became of them.',
    labels: ['change'],
  },
  {
    type: 'counter',
    name: 'lockstep_queue_unreadable_total',
    help: 'Messages that were leased and given back because their bodies could not be read.',
    labels: [],
  },
  {
    type: 'gauge',
    name: 'lockstep_queue_depth',
    help: 'Messages in the slots that this node leads, by queue and state; beside the hundred deepest queues, all others under an empty name.',
    labels: ['queue', 'state'],
  },
  {
    type: 'gauge',
    name: 'lockstep_queue_oldest_age_seconds',
    help: 'Since when the oldest message that is not settled waits in the slots that this node leads; queues as with the depth.',
    labels: ['queue'],
  },
  ...clientMetrics,
  ...admissionMetrics,
  ...replicationMetrics,
]
