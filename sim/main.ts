import { parseArgs } from 'node:util'
import { Summary } from './report.ts'
import { runSeed } from './run.ts'
import { isServiceName, serviceNames } from './services.ts'

/**
 * `npm run sim -- --seed 42 --trace`: one run, to be read. `-- --seeds 1000 --from 5000`: so many runs that count (see docs/testing.md).
 * `-- --for 3600`: fresh seeds for so many seconds. `--service lock`: of the locks rather than of the register.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    from: { type: 'string', default: '1' },
    for: { type: 'string' },
    minutes: { type: 'string', default: '5' },
    trace: { type: 'boolean', default: false },
    service: { type: 'string', default: 'register' },
    verbose: { type: 'boolean', default: false },
  },
})

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** A seed that does not count is made up for by another, but not without end. */
const sparesPerSeed = 2

async function main(): Promise<number> {
  const { service } = values
  if (!isServiceName(service)) {
    print(`there is no simulation of a service called ${service}; there are: ${serviceNames.join(', ')}`)
    return 2
  }
  const minutes = Number(values.minutes)
  const until = values.for === undefined ? null : performance.now() + Number(values.for) * 1_000
  const first = Number(values.seed ?? (until === null ? values.from : Date.now() % 1_000_000_000))
  const wanted = values.seed === undefined ? Number(values.seeds) : 1
  const summary = new Summary(service)
  const enough = (): boolean => {
    if (until !== null) return performance.now() >= until
    return values.seed === undefined
      ? summary.counted + summary.failed >= wanted || summary.runs >= wanted * sparesPerSeed
      : summary.runs === 1
  }
  for (let seed = first; !enough(); seed++) {
    const report = await runSeed({ service, seed, minutes, trace: values.trace ? print : null })
    summary.add(report)
    if (report.violation !== null)
      print(
        `seed ${seed} FAILED: ${report.violation}\n  reproduce: npm run sim -- --service ${service} --seed ${seed} --minutes ${minutes} --trace`,
      )
    else if (values.verbose) print(`seed ${seed}: ${JSON.stringify({ events: report.events, counts: report.counts, ...report.totals })}`)
    if (summary.runs % 100 === 0) print(`${summary.runs} runs, ${summary.counted} count, ${summary.failed} failed`)
  }
  print(summary.text)
  const short = until === null && values.seed === undefined && minutes >= 5 && summary.counted + summary.failed < wanted
  if (short) print(`only ${summary.counted} of ${wanted} runs had enough happen in them to count`)
  print(`${summary.runs - summary.failed} passed, ${summary.failed} failed`)
  return summary.failed > 0 || summary.missing.length > 0 || short ? 1 : 0
}

process.exitCode = await main()
