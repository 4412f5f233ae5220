import { all } from '#bench/contest/results.ts'
import type { Column } from '#bench/contest/results.ts'
import type { Measured } from './drive.ts'
import { usualKeys } from './workloads.ts'
import type { Workload } from './workloads.ts'

const timed = {
  here: 'each',
  owner: 'each',
  hit: 'asked to answered',
  set: 'asked to confirmed',
  turns: 'asked to confirmed',
  stale: 'write and read',
} as const

const micros = (ms: number): string => (Number.isNaN(ms) ? '–' : (ms * 1_000).toFixed(2))

export function columnsOf({ work, keys }: Pick<Workload, 'work' | 'keys'>): readonly Column<Measured>[] {
  const stale: readonly Column<Measured>[] = [
    { head: 'stale', cell: (summary) => `${summary.stale.max} of ${summary.probes.min} or more` },
    {
      head: 'stale, %',
      cell: ({ stale: { median: seen }, probes: { median: asked } }) => (asked === 0 ? '–' : ((100 * seen) / asked).toFixed(2)),
    },
  ]
  const filled: readonly Column<Measured>[] = [{ head: 'keys, of the fewest', cell: ({ keys: { min } }) => min.toFixed(0) }]
  return [
    { head: work === 'stale' ? 'pairs/s' : 'calls/s', cell: ({ perSecond }) => all(perSecond) },
    ...(work === 'stale' ? stale : []),
    ...(keys > usualKeys ? filled : []),
    ...(work === 'owner' || work === 'set'
      ? [{ head: 'keys with a lost write', cell: ({ lost }) => lost.max.toFixed(0) } satisfies Column<Measured>]
      : []),
    { head: `${timed[work]}, p50 µs`, cell: ({ p50Ms }) => micros(p50Ms.median) },
    { head: 'p99 µs', cell: ({ p99Ms }) => micros(p99Ms.median) },
    {
      head: 'servers, client µs/call',
      cell: ({ serversUs, clientUs }) => `${serversUs.median.toFixed(2)}, ${clientUs.median.toFixed(2)}`,
    },
  ]
}
