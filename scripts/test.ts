import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand } from '#scripts/testing/command-stage.ts'
import type { Skip } from '#scripts/testing/file-log.ts'
import { runFiles } from '#scripts/testing/file-stage.ts'
import type { FileTime } from '#scripts/testing/file-stage.ts'
import { readAllowedSkips, skipLines, unlistedSkips } from '#scripts/testing/skips.ts'
import type { Stage } from '#scripts/testing/stages.ts'
import { stages } from '#scripts/testing/stages.ts'
import { testFiles } from '#scripts/testing/test-files.ts'
import type { Totals } from '#scripts/testing/totals.ts'
import { noTotals, oneFailed, onePassed, sum, totalsLine } from '#scripts/testing/totals.ts'

/** `npm test`: every stage runs, also after one failed; the last line has the totals. See docs/testing.md. */

const root = join(import.meta.dirname, '..')

// Every file is a process of its own, and most of them load the same modules.
process.env['NODE_COMPILE_CACHE'] ??= join(root, 'node_modules', '.cache', 'lockstep-test')

const { values: options } = parseArgs({
  options: {
    /** Stages to run, comma-separated. */
    only: { type: 'string' },
    /** A regular expression for names of tests; leaves out the stages that have none. */
    filter: { type: 'string' },
    /** A skip that test/allowed-skips.txt does not list is a failure. */
    'strict-skips': { type: 'boolean', default: false },
    /** So many files of each stage are named, with the time they took: those that took the longest. */
    slowest: { type: 'string', default: '0' },
  },
})
const filter = options.filter === undefined ? null : new RegExp(options.filter)
const skips: Skip[] = []

async function runStage(stage: Stage): Promise<Totals> {
  if (stage.type === 'command') return runCommand(stage, root)
  const files = testFiles(root).filter(stage.wants)
  const outcome = await runFiles(files, { root, stage, filter })
  skips.push(...outcome.skips)
  for (const { name, ms } of slowestOf(outcome.times)) console.log(`${(ms / 1_000).toFixed(1).padStart(6)} s   ${name}`)
  const { passed, failed, skipped } = outcome.totals
  if (files.length === 0 || filter !== null || passed + failed + skipped > 0) return outcome.totals
  console.log(`FAILED ${stage.name}: ${files.length} files, and no test was seen`)
  return oneFailed
}

const slowestOf = (times: readonly FileTime[]): readonly FileTime[] =>
  times.toSorted((left, right) => right.ms - left.ms).slice(0, Number(options.slowest))

async function timed(stage: Stage): Promise<Totals> {
  const startedAt = performance.now()
  const totals = await runStage(stage)
  const seconds = (performance.now() - startedAt) / 1000
  console.log(`${stage.name.padEnd(7)} ${seconds.toFixed(1).padStart(6)} s   ${totalsLine(totals)}`)
  return totals
}

function wanted(): readonly Stage[] {
  const usual = stages.filter((stage) => stage.type === 'command' || stage.apart !== true)
  const names = options.only?.split(',') ?? usual.map(({ name }) => name)
  const unknown = names.filter((name) => !stages.some((stage) => stage.name === name))
  if (unknown.length > 0) throw new Error(`no such stage: ${unknown.join(', ')}; there are ${stages.map(({ name }) => name).join(', ')}`)
  return stages.filter((stage) => names.includes(stage.name) && (filter === null || stage.type === 'files'))
}

function judgeSkips(): Totals {
  if (!options['strict-skips']) return noTotals
  const unlisted = unlistedSkips(skips, readAllowedSkips(join(root, 'test', 'allowed-skips.txt')))
  if (unlisted.length === 0) return onePassed
  console.log(`FAILED skips: not in test/allowed-skips.txt:\n${unlisted.map((line) => `  ${line}`).join('\n')}`)
  return oneFailed
}

const parts: Totals[] = []
for (const stage of wanted()) parts.push(await timed(stage))
parts.push(judgeSkips())

if (sum(parts).passed + sum(parts).failed === 0) {
  console.log('FAILED: no test was seen')
  parts.push(oneFailed)
}
for (const line of skipLines(skips)) console.log(line)
const totals = sum(parts)
console.log(totalsLine(totals))
// Not before everything has ended: what a test that was killed has left behind may hold a pipe open for ever.
process.exit(totals.failed > 0 ? 1 : 0)
