import { digits } from '#bench/contest/results.ts'
import type { Line } from '#bench/contest/results.ts'
import type { Measured } from './drive.ts'
import type { Workload } from './workloads.ts'

/** With more keys nothing may be slower by more than that. */
const leastShare = 0.8

interface Point {
  readonly keys: number
  readonly rate: number
}

/** A line for each of our rows and each workload that was measured with several numbers of keys: the slowest of them beside the fastest. */
export function growthOf(results: readonly (readonly [Workload, readonly Line<Measured>[]])[]): readonly string[] {
  const all = new Map<string, Point[]>()
  for (const [{ name }, lines] of results) {
    for (const { row, summary } of lines) {
      if (row.role !== 'ours') continue
      const title = `${row.name}, ${name}`
      const point = { keys: summary.keys.min, rate: summary.perSecond.median }
      all.set(title, [...(all.get(title) ?? []), point])
    }
  }
  return [...all].flatMap(([title, points]) => (points.length < 2 ? [] : [verdictOn(title, points)]))
}

function verdictOn(title: string, points: readonly Point[]): string {
  const byRate = points.toSorted((left, right) => left.rate - right.rate)
  const [slowest, fastest] = [byRate[0], byRate.at(-1)]
  if (slowest === undefined || fastest === undefined) throw new Error('nothing was measured')
  const share = slowest.rate / fastest.rate
  const counts = points.map(({ keys }) => keys).join(', ')
  const verdict = share >= leastShare ? 'reached' : 'MISSED'
  return `goal for ${title} with ${counts} keys: within 20 %: with ${slowest.keys} it has ${digits(share)} × the rate with ${fastest.keys}, ${verdict}`
}
