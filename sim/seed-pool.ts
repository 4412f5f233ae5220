import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { RunReport } from './run.ts'
import type { ServiceName } from './services.ts'

export interface SeedTerms {
  readonly service: ServiceName
  readonly minutes: number
  readonly turnover: boolean
}

/** Runs seeds in threads of their own: a run is one thread, so that is what other processors are good for. */
export class SeedPool {
  readonly #workers: readonly Worker[]

  constructor(terms: SeedTerms, threads: number) {
    const file = join(import.meta.dirname, 'seed-worker.ts')
    this.#workers = Array.from({ length: threads }, () => new Worker(file, { workerData: terms }))
  }

  /** Takes the next seed whenever a thread is free, until there is none; each report is seen as it comes. */
  async run(next: () => number | null, seen: (report: RunReport) => void): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        for (let seed = next(); seed !== null; seed = next()) {
          const answer = once(worker, 'message')
          worker.postMessage(seed)
          const [report] = (await answer) as [RunReport]
          seen(report)
        }
      }),
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }
}
