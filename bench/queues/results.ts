import { all } from '#bench/contest/results.ts'
import type { Column } from '#bench/contest/results.ts'
import type { Measured } from './drive.ts'
import type { Workload } from './workloads.ts'

const timed = { produce: 'sent to confirmed', consume: 'come to acked', both: 'sent to come' } as const

export function columnsOf({ work }: Pick<Workload, 'work'>): readonly Column<Measured>[] {
  const produced: Column<Measured> = { head: 'produced/s', cell: ({ producedPerSecond }) => all(producedPerSecond) }
  return [
    { head: 'messages/s', cell: ({ perSecond }) => all(perSecond) },
    ...(work === 'both' ? [produced] : []),
    { head: `${timed[work]}, p50 ms`, cell: ({ p50Ms }) => all(p50Ms) },
    { head: 'p99 ms', cell: ({ p99Ms }) => all(p99Ms) },
    {
      head: 'servers, client µs/message',
      cell: ({ serversUs, clientUs }) => `${serversUs.median.toFixed(0)}, ${clientUs.median.toFixed(0)}`,
    },
    { head: 'came twice', cell: ({ duplicates }) => duplicates.max.toFixed(0) },
  ]
}
