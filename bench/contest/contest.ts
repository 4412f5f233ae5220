import { statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { present } from '#base/assert.ts'
import { verdictsOf } from './goals.ts'
import type { Goal } from './goals.ts'
import { Interruption } from './interruption.ts'
import { linesOf, tableOf } from './results.ts'
import type { Column, Comparing, Line } from './results.ts'
import { inRounds } from './rounds.ts'
import type { Rounds } from './rounds.ts'
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
  /** What our rows are to reach; each is told to be reached or missed. */
  readonly goalsOf?: (workload: Workload) => readonly Goal<Run>[]
  /** Lines about what only several workloads together tell, when all are over. */
  readonly acrossOf?: (results: readonly (readonly [Workload, readonly Line<Run>[]])[]) => readonly string[]
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

  const throwIfOver = (): void => interruption.throwIfHappened()
  const tellFailed = ({ failed }: Rounds<unknown>): void => {
    progress('')
    for (const [row, reason] of failed) {
      users.delete(row as Row<Kind>)
      process.exitCode = 1
      console.log(`\n${row.name} FAILED, and is left out from here on: ${reason}`)
    }
  }
  const warmUp = (row: Row<Kind>, user: User<Workload, Run>): Promise<unknown> => {
    progress(`warming up: ${row.name}`)
    return interruption.orDone(user.warmUp())
  }
  tellFailed(
    await inRounds([...users.keys()], 1, { throwIfOver, measure: (row) => warmUp(row, present(users.get(row), 'a user per row')) }),
  )
  const results: [Workload, readonly Line<Run>[]][] = []
  for (const workload of contest.workloads) {
    const title = contest.titleOf(workload)
    const measure = (row: Row<Kind>, round: number): Promise<Run> => {
      progress(`${title}, round ${round} of ${contest.rounds}: ${row.name}`)
      return interruption.orDone(present(users.get(row), 'a user per row').measure(workload, round))
    }
    const taking = [...users.keys()].filter((row) => contest.takesPart(row, workload))
    const rounds = await inRounds(taking, contest.rounds, { throwIfOver, measure })
    tellFailed(rounds)
    const lines = linesOf(rounds.runs, contest.comparing)
    results.push([workload, lines])
    console.log(`\n## ${title}\n\n${tableOf(lines, contest.columnsOf(workload))}`)
    for (const verdict of verdictsOf(lines, contest.goalsOf?.(workload) ?? [])) console.log(`\n${verdict}`)
  }
  for (const line of contest.acrossOf?.(results) ?? []) console.log(`\n${line}`)
  const settled = await settings()
  console.log(`\n${settled.join('\n')}`)
  if (contest.json === undefined) return
  const titled = Object.fromEntries(results.map(([workload, lines]) => [contest.titleOf(workload), lines]))
  writeFileSync(contest.json, `${JSON.stringify({ settings: settled, results: titled }, null, 2)}\n`)
}
