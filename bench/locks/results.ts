import { spread } from '#bench/kit/stats.ts'
import type { Measured } from './drive.ts'
import type { Row } from './rows.ts'

/** One run of one row: what its clients saw, and what it cost. */
export interface Run extends Measured {
  /** Processor time per pair, in microseconds: of all servers, and of the load generator. */
  readonly serversUs: number
  readonly clientUs: number
}

type Spread = ReturnType<typeof spread>
type Summary = { readonly [Field in keyof Run]: Spread }

export interface Line {
  readonly row: Pick<Row, 'name' | 'role'>
  readonly summary: Summary
  /** Name of a peer to how many times its pairs per second these are: the median over the rounds. */
  readonly ratios: Readonly<Record<string, Spread>>
}

const summaryOf = (runs: readonly Run[]): Summary => {
  const fields = Object.keys(runs[0] ?? {}) as (keyof Run)[]
  return Object.fromEntries(fields.map((field) => [field, spread(runs.map((run) => run[field]))])) as unknown as Summary
}

/** The lines of one workload; `rounds` are in the order they were run, and a ratio compares runs of the same round. */
export function linesOf(rounds: ReadonlyMap<Row, readonly Run[]>): readonly Line[] {
  const peers = [...rounds].filter(([{ role }]) => role === 'peer')
  return [...rounds].map(([{ name, role }, runs]) => {
    const others = role === 'ours' ? peers : []
    const ratios = others.map(([peer, theirs]) => {
      const perRound = runs.map((run, round) => run.pairsPerSecond / (theirs[round]?.pairsPerSecond ?? Number.NaN))
      return [peer.name, spread(perRound)] as const
    })
    return { row: { name, role }, summary: summaryOf(runs), ratios: Object.fromEntries(ratios) }
  })
}

const digits = (value: number): string => (value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0))
const all = ({ min, median, max }: Spread): string => [min, median, max].map(digits).join(' / ')

/** A table in Markdown. */
export function tableOf(lines: readonly Line[], hot: boolean): string {
  const heads = ['', 'pairs/s', 'p50 ms', 'p99 ms', 'servers, client µs/pair', ...(hot ? ['starved', 'fewest : most'] : []), 'times']
  const rows = lines.map(({ row, summary, ratios }) => {
    const fairness = [digits(summary.starved.median), `${digits(summary.fewest.median)} : ${digits(summary.most.median)}`]
    const times = Object.entries(ratios).map(([peer, ratio]) => `${digits(ratio.median)} × ${peer}`)
    const cost = `${summary.serversUs.median.toFixed(0)}, ${summary.clientUs.median.toFixed(0)}`
    const { pairsPerSecond, p50Ms, p99Ms } = summary
    return [row.name, all(pairsPerSecond), all(p50Ms), all(p99Ms), cost, ...(hot ? fairness : []), times.join(', ')]
  })
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
