import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

export type LoadAnswer<Answer> =
  | { readonly type: 'answered'; readonly answer: Answer }
  | { readonly type: 'failed'; readonly problem: string }

/** A load generator in a process of its own, a program that `serveLoad`s; it stays for all runs of its row. */
export class LoadProcess<Plan extends object, Answer> implements Disposable {
  readonly #child: ChildProcess

  constructor(program: string, args: readonly string[]) {
    this.#child = fork(program, args)
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error('the load generator did not start')
    return pid
  }

  /** Throws when anything went wrong, also when it takes longer than that. */
  run(plan: Plan, withinMs: number): Promise<Answer> {
    const child = this.#child
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => failed(new Error(`the load generator did not answer within ${withinMs} ms`)), withinMs)
      const end = (): void => {
        clearTimeout(timer)
        child.off('message', answered).off('exit', gone)
      }
      const failed = (error: Error): void => {
        end()
        reject(error)
      }
      const gone = (): void => failed(new Error('the load generator ended'))
      const answered = (told: LoadAnswer<Answer>): void => {
        if (told.type === 'failed') return failed(new Error(told.problem))
        end()
        resolve(told.answer)
      }
      child.on('message', answered).on('exit', gone)
      child.send(plan)
    })
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
  }
}
