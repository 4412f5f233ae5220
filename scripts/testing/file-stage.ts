import { relative } from 'node:path'
import { run } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import type { FileOutcome, Skip } from './file-log.ts'
import { FileLog } from './file-log.ts'
import type { Stage } from './stages.ts'
import type { Totals } from './totals.ts'
import { sum } from './totals.ts'

interface FileStageOptions {
  readonly root: string
  readonly stage: Stage & { type: 'files' }
  /** Runs only the tests whose name matches; a file without one is then no failure. */
  readonly filter: RegExp | null
}

export interface FileTime {
  readonly name: string
  readonly ms: number
}

interface StageOutcome {
  readonly totals: Totals
  readonly skips: readonly Skip[]
  readonly times: readonly FileTime[]
}

/** Runs each file in a process of its own, several at a time; reports a file when it is done, so that outputs do not mix. */
export async function runFiles(files: readonly string[], options: FileStageOptions): Promise<StageOutcome> {
  const waiting = [...files]
  const outcomes: FileOutcome[] = []
  const times: FileTime[] = []
  const worker = async (): Promise<void> => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const startedAt = performance.now()
      const outcome = await runFile(path, options)
      times.push({ name: relative(options.root, path), ms: performance.now() - startedAt })
      if (outcome.report !== '') console.log(outcome.report)
      outcomes.push(outcome)
    }
  }
  await Promise.all(Array.from({ length: options.stage.concurrency }, worker))
  return { totals: sum(outcomes.map(({ totals }) => totals)), skips: outcomes.flatMap(({ skips }) => skips), times }
}

async function runFile(path: string, { root, stage, filter }: FileStageOptions): Promise<FileOutcome> {
  const log = new FileLog({ path, name: relative(root, path), mayBeEmpty: filter !== null })
  const events = run({
    files: [path],
    isolation: 'process',
    timeout: stage.testTimeoutMs,
    // The timeout above stops neither a busy loop nor a process that a forgotten handle keeps alive; the signal kills both.
    signal: AbortSignal.timeout(stage.fileTimeoutMs),
    ...(filter === null ? {} : { testNamePatterns: [filter] }),
  })
  for await (const event of events as AsyncIterable<TestEvent>) log.see(event)
  return log.close()
}
