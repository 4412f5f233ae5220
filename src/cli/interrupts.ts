import { constants } from 'node:os'
import { signalExitCode } from './exit-codes.ts'

const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What an interrupted wait rejects with. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly exitCode: number

  constructor(signal: (typeof ending)[number]) {
    super(`interrupted by ${signal}`)
    this.exitCode = signalExitCode(constants.signals[signal])
  }
}

/** While the work runs, a signal that would end this process aborts it instead, so that it can clean up. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController()
  const listeners = ending.map((signal) => [signal, () => interrupted.abort(new Interrupted(signal))] as const)
  for (const [signal, listener] of listeners) process.on(signal, listener)
  try {
    return await work(interrupted.signal)
  } finally {
    for (const [signal, listener] of listeners) process.off(signal, listener)
  }
}
