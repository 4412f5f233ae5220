import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { catalogue } from '#test/mutants/catalogue.ts'
import { serviceNames } from '#sim/services.ts'
import type { Mutant, TestCheck } from '#test/mutants/mutant.ts'
import type { Row } from '#test/mutants/table.ts'
import { lineOf, toldBy, withTable } from '#test/mutants/table.ts'
import type { Trial } from '#test/mutants/trial.ts'
import { badSeeds, faultOf, runUnmutated, tryMutant } from '#test/mutants/trial.ts'

/** `npm run mutants`: plants every fault of the catalogue and sees whether its checks find it. See docs/mutants.md. */

const help = `npm run mutants -- [--only NAME,…] [--new] [--help]

Plants every fault of the catalogue and sees whether its checks find it. What was killed is written to docs/mutants.md.

  --only NAME,…   these
  --new           those that docs/mutants.md does not tell of yet

Exit code 1 when one was not killed, or a check fails without any fault.
`

const { values: options } = parseArgs({
  options: {
    /** Names of mutants, comma-separated. */
    only: { type: 'string' },
    /** Those that the page does not tell of. */
    new: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  process.stdout.write(help)
  process.exit(0)
}
const atOnce = 2
const page = join(import.meta.dirname, '..', 'docs', 'mutants.md')

/** Runs so many at once, and keeps the order of the results. */
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const queue = [...items.entries()]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) results[next[0]] = await work(next[1])
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}

function wanted(): readonly Mutant[] {
  const names = options.only?.split(',')
  const unknown = names?.filter((name) => !catalogue.some((mutant) => mutant.name === name)) ?? []
  if (unknown.length > 0) throw new Error(`no such mutant: ${unknown.join(', ')}`)
  const double = catalogue.find(({ name }, position) => catalogue.findIndex((other) => other.name === name) !== position)
  if (double !== undefined) throw new Error(`two mutants are called ${double.name}`)
  const told = toldBy(readFileSync(page, 'utf8'))
  return catalogue.filter(({ name }) => (names?.includes(name) ?? true) && !(options.new && told.has(name)))
}

/** What fails without any fault; a mutant proves nothing before such a check. */
async function unmutatedFailures(mutants: readonly Mutant[]): Promise<readonly string[]> {
  const checks = mutants.flatMap((mutant) => mutant.checks)
  const files = Map.groupBy(
    checks.filter((check): check is TestCheck => check.type === 'test'),
    ({ file }) => file,
  )
  const simulated = serviceNames.flatMap((service) => {
    const named = checks.flatMap((check) => (check.type === 'simulator' && check.service === service ? check.seeds : []))
    const seeds = [...new Set(named)].sort((left, right) => left - right)
    return Array.from({ length: Math.ceil(seeds.length / 5) }, (_, part) => ({ service, seeds: seeds.slice(part * 5, part * 5 + 5) }))
  })
  const works = [
    ...[...files].map(([file, tests]) => async () => {
      const failure = await runUnmutated(tests)
      return failure === null ? [] : [`${file}: ${failure}`]
    }),
    ...simulated.map(
      (portion) => async () =>
        [...(await badSeeds(portion))].map(([seed, failure]) => `simulator of ${portion.service}, seed ${seed}: ${failure}`),
    ),
  ]
  console.log(`without faults: ${files.size} test files, ${simulated.flatMap(({ seeds }) => seeds).length} simulator seeds`)
  return (await inParallel(works, (work) => work())).flat()
}

async function tryOne(trial: Trial): Promise<Row> {
  const row: Row = { trial, ...(await tryMutant(trial)) }
  console.log(lineOf(row))
  return row
}

const startedAt = performance.now()
const mutants = wanted()
const broken = await unmutatedFailures(mutants)
for (const failure of broken) console.log(`FAILED without any fault: ${failure}`)

const faults = new Map(mutants.map((mutant) => [mutant, faultOf(mutant)]))
for (const [{ name }, fault] of faults) if (fault !== null) console.log(`FAILED ${name}: ${fault}`)
const sound = mutants.filter((mutant) => faults.get(mutant) === null)
const rows = await inParallel(
  sound.flatMap((mutant) => mutant.checks.map((check): Trial => ({ mutant, check }))),
  tryOne,
)

const killed = sound.filter((mutant) => rows.every((row) => row.trial.mutant !== mutant || row.killed))
const survivors = mutants.filter((mutant) => !killed.includes(mutant))
for (const { name, breaks } of survivors) console.log(`NOT KILLED ${name}: ${breaks}`)
if (broken.length === 0) {
  const names = catalogue.map(({ name }) => name)
  const shown = rows.filter(({ trial }) => killed.includes(trial.mutant))
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), shown, names))
}
console.log(`${((performance.now() - startedAt) / 1_000).toFixed(0)} s`)
const failed = survivors.length + broken.length
console.log(`${killed.length} passed, ${failed} failed`)
process.exitCode = failed > 0 || killed.length === 0 ? 1 : 0
