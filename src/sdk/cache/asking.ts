import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { Answer } from '#core/cache/agent-state.ts'
import type { Clock } from '#ports/clock.ts'
import type { GiveUp } from '#runtime/cache/agent-host.ts'
import { Deadlines } from '#runtime/deadlines.ts'
import { LockstepError, abortedBy } from '#sdk/errors.ts'
import { invalid } from '#sdk/options.ts'

export interface CallOptions {
  /** Ends the call, which rejects with `aborted`; a change may have been carried out all the same. */
  readonly signal?: AbortSignal | undefined
  /** For the call to be answered, in milliseconds; as `connect` was told unless given. */
  readonly timeoutMs?: number | undefined
}

/** `over`: not answered in time, or not wanted any more; `unsent` when the home was not asked. */
export type Asked = Answer | { readonly type: 'over'; readonly unsent: boolean; readonly error: LockstepError | null }

export interface Terms {
  readonly beganAt: Millis
  readonly deadline: Millis
  readonly signal: AbortSignal | undefined
}

interface Open {
  readonly deadline: Millis
  readonly end: (error: LockstepError | null) => void
}

/** Calls of a program that its agent cannot answer by itself: each ends by its deadline, when its signal aborts, or when the cache is closed. */
export class Asking {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #open: Deadlines<Open>
  #closed: LockstepError | null = null

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#open = new Deadlines({ clock, post: (task) => task() }, ({ end }) => end(null))
  }

  /** Throws when the call cannot even begin. */
  terms({ signal, timeoutMs = this.#timeoutMs }: CallOptions = {}): Terms {
    if (this.#closed !== null) throw this.#closed
    if (signal?.aborted === true) throw abortedBy(signal)
    if (!(timeoutMs > 0 && timeoutMs <= Number.MAX_SAFE_INTEGER)) throw invalid('timeoutMs', 'a number of milliseconds')
    const beganAt = this.#clock.now()
    return { beganAt, deadline: millis(beganAt + timeoutMs), signal }
  }

  isOver({ deadline, signal }: Terms): boolean {
    return this.#closed !== null || signal?.aborted === true || this.#clock.now() >= deadline
  }

  ask({ deadline, signal }: Terms, start: (done: (answer: Answer) => void) => GiveUp): Promise<Asked> {
    return new Promise((resolve) => {
      let isOver = false
      const finish = (asked: Asked): void => {
        isOver = true
        this.#open.delete(open)
        signal?.removeEventListener('abort', aborted)
        resolve(asked)
      }
      const open: Open = { deadline, end: (error) => finish({ type: 'over', unsent: giveUp(), error }) }
      const aborted = (): void => open.end(signal === undefined ? null : abortedBy(signal))
      const giveUp = start(finish)
      if (isOver) return
      this.#open.add(open)
      signal?.addEventListener('abort', aborted)
      if (this.#closed !== null) open.end(this.#closed)
    })
  }

  /** What something comes to, that goes on by itself when this call is over. */
  within<T>({ deadline, signal }: Terms, going: Promise<T>, overdue: () => LockstepError = timedOut): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#open.delete(open)
        signal?.removeEventListener('abort', aborted)
      }
      const end = (error: LockstepError | null): void => {
        leave()
        reject(error ?? overdue())
      }
      const open: Open = { deadline, end }
      const aborted = (): void => end(signal === undefined ? null : abortedBy(signal))
      this.#open.add(open)
      signal?.addEventListener('abort', aborted)
      going.then(resolve, reject).finally(leave)
    })
  }

  close(error: LockstepError): void {
    this.#closed = error
    for (const { end } of this.#open.drain()) end(error)
  }
}

export const timedOut = (): LockstepError => new LockstepError('timeout', 'no answer in time; nothing was changed')
