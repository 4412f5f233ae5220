import type { MetricDefinition } from '#api/common/metrics.ts'
import { roundSeconds } from './replication-metrics.ts'

/** What a node measures whose slots are in Redis. */
export const redisMetrics: readonly MetricDefinition[] = [
  { type: 'gauge', name: 'lockstep_redis_connected', help: '1 while Redis is reached and safe to use.', labels: [] },
  { type: 'gauge', name: 'lockstep_redis_slots_owned', help: 'Slots that this node owns.', labels: [] },
  {
    type: 'gauge',
    name: 'lockstep_redis_slot_failed',
    help: '1 for a slot of which entries are missing: it is not served.',
    labels: ['group'],
  },
  { type: 'counter', name: 'lockstep_redis_slots_taken_total', help: 'Slots that this node took.', labels: [] },
  { type: 'counter', name: 'lockstep_redis_snapshots_total', help: 'Snapshots written to Redis.', labels: ['group'] },
  {
    type: 'histogram',
    name: 'lockstep_redis_beat_seconds',
    help: 'From when a beat was sent until Redis had confirmed it: what a write takes.',
    labels: [],
    buckets: roundSeconds,
  },
]
