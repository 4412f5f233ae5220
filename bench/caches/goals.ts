import type { Goal } from '#bench/contest/goals.ts'
import type { Measured } from './drive.ts'
import { rowNames } from './rows.ts'
import type { Workload } from './workloads.ts'

const perSecond = (row: string, atLeast: number): Goal<Measured> => ({
  row,
  atLeast,
  unit: 'calls/s',
  medianOf: (summary) => summary.perSecond.median,
})
const times = (wanted: number, other: string): Goal<Measured> => ({ row: rowNames.library, times: wanted, other })
const current = (row: string): Goal<Measured> => ({
  row,
  none: 'stale read',
  among: 100_000,
  unit: 'pairs',
  seenOf: ({ stale, probes }) => ({ bad: stale.max, all: probes.min }),
})

const hits = [times(10, rowNames.bentocache), times(12, rowNames.redis)]

/** By the name of a workload. */
const goals: Readonly<Record<string, readonly Goal<Measured>[]>> = {
  here: [times(0.5, rowNames.lruCache)],
  'hit-1': hits,
  'hit-64': [...hits, perSecond(rowNames.http, 20_000)],
  hit: hits,
  owner: [perSecond(rowNames.library, 1_000_000)],
  set: [perSecond(rowNames.library, 30_000), perSecond(rowNames.libraryInMemory, 60_000)],
  stale: [current(rowNames.library), current(rowNames.http)],
  'stale-apart': [current(rowNames.library), current(rowNames.http)],
}

export const goalsOf = ({ name }: Pick<Workload, 'name'>): readonly Goal<Measured>[] => goals[name] ?? []
