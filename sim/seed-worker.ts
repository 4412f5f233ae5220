import { parentPort, workerData } from 'node:worker_threads'
import { present } from '#base/assert.ts'
import { runSeed } from './run.ts'
import type { SeedTerms } from './seed-pool.ts'

/** One thread of `SeedPool`: is told a seed, and answers with what came of it. */
const port = present(parentPort, 'it is started as a thread')
const terms = workerData as SeedTerms

port.on('message', (seed: number) => {
  void runSeed({ ...terms, seed, trace: null }).then((report) => port.postMessage(report))
})
