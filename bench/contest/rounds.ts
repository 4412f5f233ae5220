import type { Row } from './row.ts'

export interface Rounds<Run> {
  /** Of each row that took part in one round at least, in order. */
  readonly runs: ReadonlyMap<Row, readonly Run[]>
  /** Rows that could not go on, and why. */
  readonly failed: ReadonlyMap<Row, string>
}

/**
 * All rows in turns, as often as there are rounds. One that fails is told, and takes part in nothing more, for nobody knows what it still does; the others
 * go on. What `measure` throws after `throwIfOver` would throw ends everything.
 */
export async function inRounds<Kind extends string, Run>(
  rows: readonly Row<Kind>[],
  rounds: number,
  { measure, throwIfOver }: { readonly measure: (row: Row<Kind>, round: number) => Promise<Run>; readonly throwIfOver: () => void },
): Promise<Rounds<Run>> {
  const runs = new Map<Row, Run[]>()
  const failed = new Map<Row, string>()
  for (let round = 1; round <= rounds; round++) {
    for (const row of rows) {
      if (failed.has(row)) continue
      throwIfOver()
      try {
        const run = await measure(row, round)
        const earlier = runs.get(row)
        if (earlier === undefined) runs.set(row, [run])
        else earlier.push(run)
      } catch (error) {
        throwIfOver()
        failed.set(row, error instanceof Error ? error.message : String(error))
      }
    }
  }
  return { runs: new Map(rows.flatMap((row) => (runs.has(row) ? [[row, runs.get(row) ?? []] as const] : []))), failed }
}
