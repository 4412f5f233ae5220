import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { minutesThatCount, Summary } from './report.ts'
import { runSeed } from './run.ts'
import type { RunReport } from './run.ts'
import { SeedPool } from './seed-pool.ts'
import { isServiceName, serviceNames } from './services.ts'
import type { ServiceName } from './services.ts'

/**
 * `npm run sim -- --seed 42 --trace`: one run, to be read. `-- --seeds 1000 --from 5000`: so many runs that count (see docs/testing.md).
 * `-- --for 3600`: as many as can be begun within so many seconds, `--seeds` of them at most. `--service lock`: of the locks rather than
 * of the register. `--turnover`: founders leave, too. `--threads 1`: on one processor.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string' },
    for: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
    minutes: { type: 'string', default: '5' },
    trace: { type: 'boolean', default: false },
    turnover: { type: 'boolean', default: false },
    service: { type: 'string', default: 'register' },
    verbose: { type: 'boolean', default: false },
  },
})
const { turnover } = values
const minutes = Number(values.minutes)

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

function tell(service: ServiceName, { seed, violation, events, counts, totals }: RunReport): void {
  const again = `npm run sim -- --service ${service} --seed ${seed} --minutes ${minutes}${turnover ? ' --turnover' : ''} --trace`
  if (violation !== null) print(`seed ${seed} FAILED: ${violation}\n  reproduce: ${again}`)
  else if (values.verbose) print(`seed ${seed}: ${JSON.stringify({ events, counts, ...totals })}`)
}

/** A seed that does not count is made up for by another, but not without end. */
const sparesPerSeed = 2

async function runMany(service: ServiceName, summary: Summary): Promise<boolean> {
  const seconds = values.for === undefined ? Infinity : Number(values.for)
  const wanted = Number(values.seeds ?? (seconds < Infinity ? Infinity : 1))
  const until = performance.now() + seconds * 1_000
  const isEnough = (): boolean =>
    performance.now() >= until || summary.counted + summary.failed >= wanted || summary.runs >= wanted * sparesPerSeed
  let seed = Number(values.from ?? (seconds < Infinity ? Date.now() % 1_000_000_000 : 1))
  const pool = new SeedPool({ service, minutes, turnover }, Math.min(Number(values.threads), wanted))
  await pool.run(
    () => (isEnough() ? null : seed++),
    (report) => {
      summary.add(report)
      tell(service, report)
      if (summary.runs % 100 === 0) print(`${summary.runs} runs, ${summary.counted} count, ${summary.failed} failed`)
    },
  )
  await pool.close()
  const isShort = minutes >= minutesThatCount && !summary.hasEnough(seconds === Infinity ? wanted : null)
  if (isShort) print(`only ${summary.counted} of ${summary.runs} runs had enough happen in them to count`)
  return !isShort && summary.runs > 0
}

async function main(): Promise<number> {
  const { service } = values
  if (!isServiceName(service)) {
    print(`there is no simulation of a service called ${service}; there are: ${serviceNames.join(', ')}`)
    return 2
  }
  const summary = new Summary(service)
  let isWhole = true
  if (values.seed === undefined) {
    isWhole = await runMany(service, summary)
  } else {
    const report = await runSeed({ service, seed: Number(values.seed), minutes, turnover, trace: values.trace ? print : null })
    summary.add(report)
    tell(service, report)
  }
  print(summary.text)
  print(`${summary.runs - summary.failed} passed, ${summary.failed} failed`)
  return summary.failed > 0 || summary.missing.length > 0 || !isWhole ? 1 : 0
}

process.exitCode = await main()
