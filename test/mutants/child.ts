import { fork } from 'node:child_process'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import type { Order, Report } from './check.ts'
import { editVariable } from './hook.ts'
import type { Edit } from './hook.ts'
import type { Mutant } from './mutant.ts'

export type Ending =
  | { readonly type: 'report'; readonly report: Report }
  | { readonly type: 'time-out' }
  /** The process ended without a report. */
  | { readonly type: 'crash'; readonly detail: string }

const root = join(import.meta.dirname, '..', '..')
const limitMs = 60_000
const limitPerSeedMs = 20_000
/** In megabytes: the search for an order of a broken history may take any amount. */
const memoryMax = 2_000

/** Carries out an order in a process of its own, with the fault of `mutant` planted, or with none. */
export function runChild(order: Order, mutant: Mutant | null): Promise<Ending> {
  const edit: Edit | null =
    mutant === null ? null : { url: pathToFileURL(join(root, mutant.file)).href, original: mutant.original, mutated: mutant.mutated }
  const child = fork(join(import.meta.dirname, 'check.ts'), [JSON.stringify(order)], {
    cwd: root,
    execArgv: [`--max-old-space-size=${memoryMax}`, '--import', pathToFileURL(join(import.meta.dirname, 'hook.ts')).href],
    // node:test would take the child of a test for a test file.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, [editVariable]: edit === null ? undefined : JSON.stringify(edit) },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-10_000)
  })
  return new Promise((resolve) => {
    let ending: Ending | null = null
    const timer = setTimeout(
      () => {
        ending = { type: 'time-out' }
        child.kill('SIGKILL')
      },
      limitMs + (order.type === 'tests' ? 0 : order.seeds.length * limitPerSeedMs),
    )
    child.on('message', (report) => {
      ending ??= { type: 'report', report: report as Report }
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve(ending ?? { type: 'crash', detail: `ended with ${code ?? signal}: ${errors.trim()}` })
    })
  })
}
