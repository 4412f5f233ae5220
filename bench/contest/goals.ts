import { digits } from './results.ts'
import type { Line } from './results.ts'

/** The median must be so many times that of another row, or so much by itself; or nothing bad may be seen among so many. */
export type Goal<Run> = { readonly row: string } & (
  | { readonly times: number; readonly other: string }
  | { readonly atLeast: number; readonly unit: string; readonly medianOf: (summary: Line<Run>['summary']) => number }
  | { readonly none: string; readonly among: number; readonly unit: string; readonly seenOf: (summary: Line<Run>['summary']) => Seen }
)

/** The most bad ones of any round, and the fewest of all that any round had. */
interface Seen {
  readonly bad: number
  readonly all: number
}

/** A line for each goal: reached, missed, or not measured, or not often enough. */
export function verdictsOf<Run>(lines: readonly Line<Run>[], goals: readonly Goal<Run>[]): readonly string[] {
  return goals.map((goal) => {
    const line = lines.find(({ row }) => row.name === goal.row)
    if ('times' in goal)
      return verdictOf(`${goal.row}: ${digits(goal.times)} × ${goal.other}`, goal.times, line?.ratios[goal.other]?.median)
    if ('none' in goal) return verdictOnNone(goal, line === undefined ? null : goal.seenOf(line.summary))
    const seen = line === undefined ? undefined : goal.medianOf(line.summary)
    return verdictOf(`${goal.row}: ${digits(goal.atLeast)} ${goal.unit}`, goal.atLeast, seen)
  })
}

const verdictOf = (goal: string, wanted: number, seen: number | undefined): string =>
  `goal for ${goal}: ${seen === undefined ? 'not measured' : `${digits(seen)}, ${seen >= wanted ? 'reached' : 'MISSED'}`}`

interface None {
  readonly row: string
  readonly none: string
  readonly among: number
  readonly unit: string
}

function verdictOnNone({ row, none, among, unit }: None, seen: Seen | null): string {
  const goal = `goal for ${row}: no ${none} in ${among} ${unit}`
  if (seen === null) return `${goal}: not measured`
  const verdict = seen.bad > 0 ? 'MISSED' : seen.all < among ? `too few ${unit}` : 'reached'
  return `${goal}: ${seen.bad} in ${seen.all}, ${verdict}`
}
