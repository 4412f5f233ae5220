import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServiceName } from '#sim/services.ts'
import { checkerOf } from './checkers.ts'
import { runChild } from './child.ts'
import type { Ending } from './child.ts'
import type { Check, Mutant, SimulatorCheck, TestCheck } from './mutant.ts'
import { seedsTried } from './mutant.ts'
import { occurrences } from './replace-once.ts'

/** One mutant before one check. */
export interface Trial {
  readonly mutant: Mutant
  readonly check: Check
}

export interface Verdict {
  readonly killed: boolean
  /** What killed it, or why it does not count as killed. */
  readonly by: string
  /** The first line of what the check says. */
  readonly says: string
  readonly seconds: number
}

const root = join(import.meta.dirname, '..', '..')

/** Why the fault cannot be planted; null when it can. */
export function faultOf({ file, original }: Mutant): string | null {
  const count = occurrences(readFileSync(join(root, file), 'utf8'), original)
  return count === 1 ? null : `stale: the original occurs ${count} times in ${file}`
}

/** The first failure of a check without any fault; null when it passes. */
export async function runUnmutated(checks: readonly TestCheck[]): Promise<string | null> {
  const [first] = checks
  if (first === undefined) return null
  const names = [...new Set(checks.map(({ test }) => test))]
  const ending = await runChild({ type: 'tests', file: first.file, names }, null)
  if (ending.type !== 'report') return sayEnding(ending)
  const { passed, failures } = ending.report
  const [failure] = failures
  if (failure !== undefined) return `${failure.where}: ${firstLine(failure.message)}`
  const missing = names.find((name) => !passed.some((test) => test.startsWith(name)))
  return missing === undefined ? null : `no test is called ‘${missing}’`
}

/** Seed to its failure, for those that fail without any fault. */
export async function badSeeds({ service, seeds }: Seeds): Promise<ReadonlyMap<number, string>> {
  const ending = await runChild({ type: 'all-seeds', service, seeds }, null)
  if (ending.type !== 'report') return new Map(seeds.map((seed) => [seed, sayEnding(ending)]))
  return new Map(ending.report.failures.map(({ where, message }) => [seedOf(where), firstLine(message)]))
}

export async function tryMutant({ mutant, check }: Trial): Promise<Verdict> {
  const startedAt = performance.now()
  const verdict = check.type === 'test' ? await byTest(mutant, check) : await bySimulator(mutant, check)
  return { ...verdict, seconds: (performance.now() - startedAt) / 1_000 }
}

type Seeds = Pick<SimulatorCheck, 'service' | 'seeds'>

type Finding = Omit<Verdict, 'seconds'>

async function byTest(mutant: Mutant, check: TestCheck): Promise<Finding> {
  const ending = await runChild({ type: 'tests', file: check.file, names: [check.test] }, mutant)
  if (ending.type === 'time-out' && check.liveness === true) return { killed: true, by: 'time-out', says: `${check.test}: time-out` }
  if (ending.type !== 'report') return survived(sayEnding(ending), '')
  const { failures, loaded } = ending.report
  if (!loaded) return survived('the file is not loaded', '')
  const [failure] = failures
  return failure === undefined ? survived('survived', '') : found(failure.where, failure.message)
}

/** The seeds that are named, then all others: a change of the code may have moved the fault to another one. */
async function bySimulator(mutant: Mutant, { service, seeds }: SimulatorCheck): Promise<Finding> {
  const finding = await bySeeds(mutant, { service, seeds })
  if (finding.killed) return finding
  for (let seed = 1; seed <= seedsTried; seed++) {
    const left = Array.from({ length: seedsTried - seed + 1 }, (_, position) => seed + position).filter((other) => !seeds.includes(other))
    const other = await bySeeds(mutant, { service, seeds: left })
    if (other.seed === null) return other
    // One that fails without the fault as well proves nothing.
    if (other.killed && (await badSeeds({ service, seeds: [other.seed] })).size === 0) return other
    seed = other.seed
  }
  return survived('survived', '')
}

async function bySeeds(mutant: Mutant, { service, seeds }: Seeds): Promise<Finding & { readonly seed: number | null }> {
  if (seeds.length === 0) return { ...survived('survived', ''), seed: null }
  const ending = await runChild({ type: 'seeds', service, seeds }, mutant)
  if (ending.type !== 'report') return { ...survived(sayEnding(ending), ''), seed: null }
  const { failures, loaded } = ending.report
  const [failure] = failures
  if (failure === undefined) return { ...survived(loaded ? 'survived' : 'the file is not loaded', ''), seed: null }
  return { ...bySeed(service, failure), seed: seedOf(failure.where) }
}

function bySeed(service: ServiceName, { where, message }: { readonly where: string; readonly message: string }): Finding {
  const by = service === 'register' ? `simulator, ${where}` : `simulator of ${service}, ${where}`
  const checker = checkerOf(message)
  return checker === null ? found(by, message) : found(`${by}: ${checker}`, message)
}

/** What does not run is a mistake in the mutant: every check would find it. An undecided search has found nothing. */
function found(by: string, message: string): Finding {
  // A file that cannot be loaded fails as a whole, under its own name.
  if (by.endsWith('.test.ts') || /^(?:ReferenceError|SyntaxError|TypeError)/.test(message))
    return survived('the mutant does not run', message)
  if (message.startsWith('linearizability is undecided')) return survived('undecided', message)
  return { killed: true, by, says: firstLine(message) }
}

const survived = (by: string, message: string): Finding => ({ killed: false, by, says: firstLine(message) })

function firstLine(message: string): string {
  const [first = '', second = ''] = message.split('\n').filter((line) => line.trim() !== '')
  const line = first.endsWith(':') ? `${first} ${second.trim()}` : first
  return line.length > 160 ? `${line.slice(0, 159)}…` : line
}

const seedOf = (where: string): number => Number(where.replace('seed ', ''))

const sayEnding = (ending: Exclude<Ending, { type: 'report' }>): string =>
  ending.type === 'time-out' ? 'time-out' : `crash: ${firstLine(ending.detail)}`
