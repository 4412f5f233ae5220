import { spread } from '#bench/kit/stats.ts'
import type { Row } from './row.ts'

type Spread = ReturnType<typeof spread>

/** A row in one workload; `Run` has numbers only. */
export interface Line<Run> {
  readonly row: Pick<Row, 'name' | 'role'>
  readonly summary: { readonly [Field in keyof Run]: Spread }
  /** Name of another to how many times its rate ours is: the median over the rounds. */
  readonly ratios: Readonly<Record<string, Spread>>
}

export interface Comparing<Run> {
  readonly rateOf: (run: Run) => number
  /** With whom ours are compared. */
  readonly with: readonly Row['role'][]
}

/** The lines of one workload; `rounds` are in the order they were run, and a ratio compares runs of the same round. */
export function linesOf<Run extends object>(
  rounds: ReadonlyMap<Row, readonly Run[]>,
  { rateOf, with: roles }: Comparing<Run>,
): readonly Line<Run>[] {
  const others = [...rounds].filter(([{ role }]) => role !== 'ours' && roles.includes(role))
  return [...rounds].map(([{ name, role }, runs]) => {
    const ratios = (role === 'ours' ? others : []).map(([other, theirs]) => {
      const perRound = runs.flatMap((run, round) => {
        const their = theirs[round]
        return their === undefined ? [] : [rateOf(run) / rateOf(their)]
      })
      return [other.name, perRound] as const
    })
    const known = ratios.flatMap(([other, perRound]) => (perRound.length === 0 ? [] : [[other, spread(perRound)] as const]))
    return { row: { name, role }, summary: summaryOf(runs), ratios: Object.fromEntries(known) }
  })
}

function summaryOf<Run extends object>(runs: readonly Run[]): Line<Run>['summary'] {
  const fields = Object.keys(runs[0] ?? {}) as (keyof Run)[]
  return Object.fromEntries(fields.map((field) => [field, spread(runs.map((run) => run[field] as number))])) as Line<Run>['summary']
}

export const digits = (value: number): string => (value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0))
/** Minimum, median and maximum. */
export const all = ({ min, median, max }: Spread): string => [min, median, max].map(digits).join(' / ')

export interface Column<Run> {
  readonly head: string
  readonly cell: (summary: Line<Run>['summary']) => string
}

/** A table in Markdown; the ratios come last. */
export function tableOf<Run>(lines: readonly Line<Run>[], columns: readonly Column<Run>[]): string {
  const heads = ['', ...columns.map(({ head }) => head), 'times']
  const rows = lines.map(({ row, summary, ratios }) => {
    const times = Object.entries(ratios).map(([other, ratio]) => `${digits(ratio.median)} × ${other}`)
    return [row.name, ...columns.map(({ cell }) => cell(summary)), times.join(', ')]
  })
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
