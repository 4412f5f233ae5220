import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { ClientKind } from '#bench/locks/clients/kinds.ts'
import type { Measured, Plan } from './drive.ts'

export type LoadAnswer =
  | { readonly type: 'measured'; readonly measured: Measured; readonly cpuMs: number }
  | { readonly type: 'failed'; readonly problem: string }

/** Besides the measured time: to connect, to warm up, and for those who still wait at the end. */
const moreMs = 60_000

/** A load generator in a process of its own (see load.ts), which stays for all runs of its row. */
export class LoadProcess implements Disposable {
  readonly #child: ChildProcess

  constructor(kind: ClientKind, addresses: readonly string[]) {
    this.#child = fork(join(import.meta.dirname, 'load.ts'), [kind, ...addresses])
  }

  /** Throws when anything went wrong, also when it takes too long. */
  run(plan: Plan): Promise<Extract<LoadAnswer, { type: 'measured' }>> {
    const child = this.#child
    return new Promise((resolve, reject) => {
      const withinMs = plan.warmMs + plan.measuredMs + moreMs
      const timer = setTimeout(() => end(new Error(`the load generator did not answer within ${withinMs} ms`)), withinMs)
      const gone = (): void => end(new Error('the load generator ended'))
      const answered = (answer: LoadAnswer): void => {
        if (answer.type === 'measured') end(null, answer)
        else end(new Error(answer.problem))
      }
      const end = (error: Error | null, answer?: Extract<LoadAnswer, { type: 'measured' }>): void => {
        clearTimeout(timer)
        child.off('message', answered).off('exit', gone)
        if (answer === undefined) reject(error ?? new Error('no answer'))
        else resolve(answer)
      }
      child.on('message', answered).on('exit', gone)
      child.send(plan)
    })
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}
