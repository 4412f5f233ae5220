import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { CacheClient } from '#bench/caches/cache-client.ts'
import type { ClientKind, Program } from './kinds.ts'

/** What is asked of the process that a client is in, and answered. */
export interface ElsewhereAsked {
  readonly number: number
  readonly key: string
}
export type ElsewhereAnswered = { readonly number: number } & (
  | { readonly value: string | null }
  /** What its client failed with. */
  | { readonly problem: string }
)

type Waiting = Pick<PromiseWithResolvers<string | undefined>, 'resolve' | 'reject'>

/** Reads by a client that is in a process of its own. */
class Elsewhere implements CacheClient {
  readonly here = null
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #last = 0

  constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (answered: ElsewhereAnswered) => this.#answered(answered))
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the process that reads has ended'))
    })
  }

  get(key: string): Promise<string | undefined> {
    const number = ++this.#last
    const { promise, ...waiting } = Promise.withResolvers<string | undefined>()
    this.#waiting.set(number, waiting)
    this.#child.send({ number, key } satisfies ElsewhereAsked)
    return promise
  }

  set(): Promise<void> {
    throw new Error('this client only reads')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  #answered(answered: ElsewhereAnswered): void {
    const waiting = this.#waiting.get(answered.number)
    this.#waiting.delete(answered.number)
    if ('problem' in answered) waiting?.reject(new Error(answered.problem))
    else waiting?.resolve(answered.value ?? undefined)
  }
}

export async function connectElsewhere(kind: ClientKind, addresses: readonly string[], program: Program): Promise<CacheClient> {
  const child = fork(join(import.meta.dirname, 'elsewhere-process.ts'), [JSON.stringify({ kind, addresses, program })])
  const ended = once(child, 'exit').then(() => {
    throw new Error('the process that reads has ended')
  })
  await Promise.race([once(child, 'message'), ended])
  ended.catch(() => {})
  return new Elsewhere(child)
}
