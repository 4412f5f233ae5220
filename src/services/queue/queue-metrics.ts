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
    type: 'histogram',
    name: 'lockstep_queue_delivery_seconds',
    help: 'From when a message was taken to its first delivery, delays, pauses and absent consumers included: of one message of each answer, by the wall clock.',
    labels: [],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600],
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
