import { parseArgs } from 'node:util'
import { faultKinds } from './options.ts'
import type { RunReport } from './run.ts'
import { runSeed } from './run.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '5' },
    trace: { type: 'boolean', default: false },
    service: { type: 'string', default: 'register' },
    verbose: { type: 'boolean', default: false },
  },
})

if (values.service !== 'register') {
  process.stderr.write(`there is no simulation of a service called ${values.service}; there is: register\n`)
  process.exit(2)
}

const first = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds) : 1
const minutes = Number(values.minutes)
const reports: RunReport[] = []
const startedAt = performance.now()
let failed = 0

for (let seed = first; seed < first + count; seed++) {
  const report = runSeed({ seed, minutes, trace: values.trace ? (line) => process.stdout.write(`${line}\n`) : null })
  reports.push(report)
  if (report.violation !== null) {
    failed++
    process.stdout.write(`seed ${seed} FAILED: ${report.violation}\n  reproduce: npm run sim -- --seed ${seed} --minutes ${minutes} --trace\n`)
  } else if (values.verbose) {
    process.stdout.write(`seed ${seed}: ${report.events} events, ${report.totals['answered']} answered, ${report.totals['elections']} elections${report.counts ? '' : ' (does not count)'}\n`)
  }
}
summarise()

function summarise(): void {
  const seconds = (performance.now() - startedAt) / 1_000
  const counted = reports.filter((report) => report.counts && report.violation === null).length
  const totals: Record<string, number> = {}
  for (const report of reports) for (const [name, value] of Object.entries(report.totals)) totals[name] = (totals[name] ?? 0) + value
  const faults = faultKinds.map((kind) => [kind, reports.reduce((sum, report) => sum + (report.faults.get(kind) ?? 0), 0)] as const)
  process.stdout.write(`${reports.length} seeds in ${seconds.toFixed(1)} s (${(seconds / reports.length).toFixed(3)} s each), ${counted} count\n`)
  process.stdout.write(`totals: ${Object.entries(totals).map(([name, value]) => `${name} ${value}`).join(', ')}\n`)
  process.stdout.write(`faults: ${faults.map(([kind, times]) => `${kind} ${times}`).join(', ')}\n`)
  const missing = reports.length >= 50 ? faults.filter(([, times]) => times === 0).map(([kind]) => kind) : []
  if (missing.length > 0) process.stdout.write(`no run had: ${missing.join(', ')}\n`)
  process.stdout.write(`${reports.length - failed} passed, ${failed} failed\n`)
  process.exitCode = failed > 0 || missing.length > 0 ? 1 : 0
}
