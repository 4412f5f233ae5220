import { all, digits } from '#bench/contest/results.ts'
import type { Column } from '#bench/contest/results.ts'
import type { Measured } from './drive.ts'

/** One run of one row: what its clients saw, and what it cost. */
export interface Run extends Measured {
  /** Processor time per pair, in microseconds: of all servers, and of the load generator. */
  readonly serversUs: number
  readonly clientUs: number
}

const common: readonly Column<Run>[] = [
  { head: 'pairs/s', cell: ({ pairsPerSecond }) => all(pairsPerSecond) },
  { head: 'p50 ms', cell: ({ p50Ms }) => all(p50Ms) },
  { head: 'p99 ms', cell: ({ p99Ms }) => all(p99Ms) },
  {
    head: 'servers, client µs/pair',
    cell: ({ serversUs, clientUs }) => `${serversUs.median.toFixed(0)}, ${clientUs.median.toFixed(0)}`,
  },
]

const fairness: readonly Column<Run>[] = [
  { head: 'starved', cell: ({ starved }) => digits(starved.median) },
  { head: 'fewest : most', cell: ({ fewest, most }) => `${digits(fewest.median)} : ${digits(most.median)}` },
]

export const columnsOf = (hot: boolean): readonly Column<Run>[] => (hot ? [...common, ...fairness] : common)
