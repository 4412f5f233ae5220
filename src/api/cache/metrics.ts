import { Type } from '#api/type.ts'
import { metricsReport } from '#api/common/metrics.ts'
import { closed, count } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { stateCounts } from './status.ts'

/** What `GET /metrics` of a cache node says for people, besides what every node says. */

const share = (description: string): ReturnType<typeof Type.Number> => Type.Number({ minimum: 0, maximum: 1, description })

const performance = closed(
  {
    requests_per_second: Type.Number({ description: 'Reads and changes, over the last ten seconds.' }),
    hit_rate: share('Of all reads; 0 before the first.'),
    miss_rate: share('Of all reads; 0 before the first.'),
    utilization: share('Of the room for lines, by number or by bytes, whichever is fuller.'),
  },
  { title: 'CachePerformance' },
)

const counters = closed(
  {
    reads: count(),
    writes: count({ description: 'Changes of any kind.' }),
    hits: count(),
    misses: count(),
    evictions: count({ description: 'Lines that made room.' }),
    write_backs: count({ description: 'Values at the level `owner` that were sent to memory.' }),
    lost: count({ description: 'Values at the level `owner` that were lost with a lease.' }),
    lapses: count({ description: 'Leases that ended.' }),
    slots_lost: count({ description: 'How often a slot lost most of its replicas in memory and began anew, as this node knows it.' }),
    invalidations_sent: count({ description: 'By the homes here.' }),
    invalidations_received: count(),
    downgrades_sent: count({ description: 'By the homes here.' }),
    downgrades_received: count(),
    bus: Type.Record(Type.String(), count(), {
      description: 'Transactions that this node asked for, by type: `BusRd`, `BusRdX`, `BusUpgr`, `Flush`.',
    }),
  },
  { title: 'CacheCounters' },
)

const cacheReportFields = {
  performance,
  counters,
  transitions: Type.Record(Type.String(), count(), { description: 'Changes of the state of a line, as `IE`, and how often.' }),
  cache_info: closed(
    { lines: count(), lines_max: count(), bytes: count(), bytes_max: count(), states: stateCounts, slots_led: count() },
    { title: 'CacheInfo' },
  ),
} as const

const cacheReport = closed(cacheReportFields)
export type CacheReport = Data<typeof cacheReport>

/** All of `GET /metrics`. */
export const cacheMetricsReport = closed({ ...metricsReport.properties, ...cacheReportFields }, { title: 'CacheMetricsReport' })
