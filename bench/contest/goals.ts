import { digits } from './results.ts'
import type { Line } from './results.ts'

/** The median must be so many times that of another row, or so much by itself. */
export type Goal<Run> = { readonly row: string } & (
  | { readonly times: number; readonly other: string }
  | { readonly atLeast: number; readonly unit: string; readonly medianOf: (summary: Line<Run>['summary']) => number }
)

/** A line for each goal: reached, missed, or not measured. */
export function verdictsOf<Run>(lines: readonly Line<Run>[], goals: readonly Goal<Run>[]): readonly string[] {
  return goals.map((goal) => {
    const line = lines.find(({ row }) => row.name === goal.row)
    if ('times' in goal)
      return verdictOf(`${goal.row}: ${digits(goal.times)} × ${goal.other}`, goal.times, line?.ratios[goal.other]?.median)
    const seen = line === undefined ? undefined : goal.medianOf(line.summary)
    return verdictOf(`${goal.row}: ${digits(goal.atLeast)} ${goal.unit}`, goal.atLeast, seen)
  })
}

const verdictOf = (goal: string, wanted: number, seen: number | undefined): string =>
  `goal for ${goal}: ${seen === undefined ? 'not measured' : `${digits(seen)}, ${seen >= wanted ? 'reached' : 'MISSED'}`}`
