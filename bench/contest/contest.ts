import { statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { Interruption } from './interruption.ts'
import { linesOf, tableOf } from './results.ts'
import type { Column, Comparing, Line } from './results.ts'
import type { Entrant, Row } from './row.ts'

export interface Contest<Kind extends string, Workload, Run extends object> {
  /** Starts everybody who takes part; all of them end with `cleanup`. */
  readonly enter: (cleanup: AsyncDisposableStack, say: (line: string) => void) => Promise<readonly Entrant<Kind>[]>
  readonly workloads: readonly Workload[]
  readonly rounds: number
  readonly titleOf: (workload: Workload) => string
  readonly takesPart: (row: Row<Kind>, workload: Workload) => boolean
  /** Begins to use a row; what it makes ends with `cleanup`. */
  readonly userOf: (row: Row<Kind>, cleanup: AsyncDisposableStack) => User<Workload, Run>
  readonly comparing: Comparing<Run>
  readonly columnsOf: (workload: Workload) => readonly Column<Run>[]
  /** A file for the results, beside the tables. */
  readonly json: string | undefined
}

export interface User<Workload, Run> {
  /** Compilers that work while the program runs, as ours does, must have seen what is measured. */
  readonly warmUp: () => Promise<unknown>
  /** Throws for a wrong answer. */
  readonly measure: (workload: Workload, round: number) => Promise<Run>
}

const tmpfs = 0x0102_1994
const progress = (text: string): void => void (process.stderr.isTTY && process.stderr.write(`\r\u001B[K${text}`))

/** Measures all rows in turns and prints tables. The exit code of the process is 1 when anything went wrong. */
export async function hold<Kind extends string, Workload, Run extends object>(contest: Contest<Kind, Workload, Run>): Promise<void> {
  const interruption = new Interruption()
  try {
    await using cleanup = new AsyncDisposableStack()
    await run(contest, cleanup, interruption)
  } catch (error) {
    progress('')
    console.error(error)
    process.exitCode = 1
  }
}

async function run<Kind extends string, Workload, Run extends object>(
  contest: Contest<Kind, Workload, Run>,
  cleanup: AsyncDisposableStack,
  interruption: Interruption,
): Promise<void> {
  if (statfsSync(tmpdir()).type === tmpfs) console.log(`${tmpdir()} is in memory: nothing here is durable, whoever says so`)
  const entrants = await contest.enter(cleanup, console.log)
  const settings = (): Promise<readonly string[]> => Promise.all(entrants.map((entrant) => entrant.settings()))
  const users = new Map(entrants.flatMap(({ rows }) => rows).map((row) => [row, contest.userOf(row, cleanup)]))
  console.log((await settings()).join('\n'))

  for (const [row, user] of users) {
    interruption.throwIfHappened()
    progress(`warming up: ${row.name}`)
    await interruption.orDone(user.warmUp())
  }
  const results: Record<string, readonly Line<Run>[]> = {}
  for (const workload of contest.workloads) {
    const title = contest.titleOf(workload)
    const taking = [...users].filter(([row]) => contest.takesPart(row, workload))
    const rounds = new Map<Row, Run[]>(taking.map(([row]) => [row, []]))
    for (let round = 1; round <= contest.rounds; round++) {
      for (const [row, user] of taking) {
        interruption.throwIfHappened()
        progress(`${title}, round ${round} of ${contest.rounds}: ${row.name}`)
        rounds.get(row)?.push(await interruption.orDone(user.measure(workload, round)))
      }
    }
    progress('')
    const lines = linesOf(rounds, contest.comparing)
    results[title] = lines
    console.log(`\n## ${title}\n\n${tableOf(lines, contest.columnsOf(workload))}`)
  }
  const settled = await settings()
  console.log(`\n${settled.join('\n')}`)
  if (contest.json !== undefined) writeFileSync(contest.json, `${JSON.stringify({ settings: settled, results }, null, 2)}\n`)
}
