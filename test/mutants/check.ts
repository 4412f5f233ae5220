import { AssertionError } from 'node:assert/strict'
import { join } from 'node:path'
import process from 'node:process'
import { run } from 'node:test'
import type { EventData } from 'node:test'
import { inspect } from 'node:util'
import type { ServiceName } from '#sim/services.ts'
import { planted } from './hook.ts'
import { minutes } from './mutant.ts'

/** The child process that carries out one check, with or without a fault planted by the hook, and reports to its parent. */
export type Order =
  | { readonly type: 'tests'; readonly file: string; readonly names: readonly string[] }
  /** Stops at the first seed that fails. */
  | { readonly type: 'seeds'; readonly service: ServiceName; readonly seeds: readonly number[] }
  /** Tries them all. */
  | { readonly type: 'all-seeds'; readonly service: ServiceName; readonly seeds: readonly number[] }

export interface Report {
  readonly passed: readonly string[]
  readonly failures: readonly Failure[]
  /** Whether the file with the fault was loaded. */
  readonly loaded: boolean
}

interface Failure {
  /** The name of the test, or the seed. */
  readonly where: string
  /** What it says, from its first line on. */
  readonly message: string
}

const root = join(import.meta.dirname, '..', '..')

const escaped = (literal: string): string => literal.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)

async function runTests(file: string, names: readonly string[]): Promise<Omit<Report, 'loaded'>> {
  const passed: string[] = []
  const failures: Failure[] = []
  const patterns = names.map((name) => new RegExp(escaped(name)))
  const stream = run({ files: [join(root, file)], isolation: 'none', concurrency: 1, testNamePatterns: patterns })
  stream.on('test:pass', ({ name, details, skip }) => {
    if (details.type !== 'suite' && skip === undefined) passed.push(name)
  })
  stream.on('test:fail', (event) => {
    const failureType = 'failureType' in event.details.error ? event.details.error.failureType : ''
    if (failureType !== 'subtestsFailed') failures.push({ where: event.name, message: messageOf(event) })
  })
  for await (const _ of stream) void _
  return { passed, failures }
}

function messageOf({ details: { error } }: EventData.TestFail): string {
  const cause: unknown = error.cause ?? error
  if (!(cause instanceof Error)) return String(cause)
  const inner = cause.cause instanceof Error ? cause.cause : cause
  if (inner instanceof AssertionError) {
    return inner.generatedMessage && 'expected' in inner && inner.operator !== '=='
      ? `${short(inner.actual)} instead of ${short(inner.expected)}`
      : inner.message
  }
  return inner.name === 'Error' ? inner.message : `${inner.name}: ${inner.message}`
}

const short = (value: unknown): string => inspect(value, { breakLength: Infinity, compact: true, depth: 3 })

async function runSeeds({ type, service, seeds }: Exclude<Order, { type: 'tests' }>): Promise<Omit<Report, 'loaded'>> {
  const { runSeed } = await import('#sim/run.ts')
  const passed: string[] = []
  const failures: Failure[] = []
  for (const seed of seeds) {
    const { violation } = await runSeed({ service, seed, minutes, trace: null })
    if (violation === null) passed.push(`seed ${seed}`)
    else failures.push({ where: `seed ${seed}`, message: violation })
    if (type === 'seeds' && failures.length > 0) break
  }
  return { passed, failures }
}

async function carryOut(order: Order): Promise<Report> {
  const outcome = order.type === 'tests' ? await runTests(order.file, order.names) : await runSeeds(order)
  return { ...outcome, loaded: planted.loaded }
}

if (process.send !== undefined) {
  const report = await carryOut(JSON.parse(process.argv[2] ?? '') as Order)
  process.send(report, () => process.exit(0))
}
