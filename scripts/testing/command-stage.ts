import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Stage } from './stages.ts'
import type { Totals } from './totals.ts'
import { oneFailed, onePassed } from './totals.ts'

const timeoutMs = 120_000

/** A tool that says yes or no: counts as one test, its output is shown when it says no. */
export function runCommand(stage: Stage & { type: 'command' }, root: string): Totals {
  const command = join(root, 'node_modules', '.bin', stage.command)
  const run = spawnSync(command, [...stage.options], { cwd: root, encoding: 'utf8', timeout: timeoutMs, maxBuffer: 2 ** 28 })
  if (run.error === undefined && run.status === 0) return onePassed
  console.log(`${run.stdout}${run.stderr}`.trim())
  console.log(`FAILED ${stage.name}: ${run.error?.message ?? `${stage.command} ended with ${run.status ?? run.signal}`}`)
  return oneFailed
}
