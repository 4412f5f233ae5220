import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import type { Answer } from '#core/cache/agent-state.ts'
import type { Prng } from '#base/prng.ts'
import type { Clock } from '#ports/clock.ts'
import type { GiveUp } from '#runtime/cache/agent-host.ts'
import { Deadlines } from '#runtime/deadlines.ts'
import { LockstepError, abortedBy } from '#sdk/errors.ts'
import { checkSignal, invalid } from '#sdk/options.ts'
import { Retries } from '#sdk/retries.ts'
import type { Refused } from '#sdk/retries.ts'

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
  /** It was asked for before, and may have been carried out. */
  readonly doubtful: boolean
}

interface Open {
  readonly deadline: Millis
  readonly end: (error: LockstepError | null) => void
}

/** Refused because there was too much to do, and not carried out. */
interface Resting extends Refused {
  readonly again: () => void
}

/**
 * Calls of a program that its agent cannot answer by itself: each ends by its deadline, when its signal aborts, or when the cache is closed. What a home has too much to do
 * for is asked for again a little later.
 */
export class Asking {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #open: Deadlines<Open>
  readonly #retries: Retries<Resting>
  #closed: LockstepError | null = null

  constructor({ clock, prng }: { readonly clock: Clock; readonly prng: Prng }, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#retries = new Retries({ clock, prng }, ({ again }) => again())
    this.#open = new Deadlines({ clock, post: (task) => task() }, ({ end }) => end(null))
  }

  /** Throws when the call cannot even begin. */
  terms({ signal, timeoutMs = this.#timeoutMs }: CallOptions = {}): Terms {
    if (this.#closed !== null) throw this.#closed
    checkSignal(signal)
    if (signal?.aborted === true) throw abortedBy(signal)
    if (!(timeoutMs > 0 && timeoutMs <= Number.MAX_SAFE_INTEGER)) throw invalid('timeoutMs', 'a number of milliseconds')
    const beganAt = this.#clock.now()
    return { beganAt, deadline: millis(beganAt + timeoutMs), signal, doubtful: false }
  }

  isOver({ deadline, signal }: Terms): boolean {
    return this.#closed !== null || signal?.aborted === true || this.#clock.now() >= deadline
  }

  ask({ deadline, signal, doubtful }: Terms, start: (done: (answer: Answer) => void) => GiveUp): Promise<Asked> {
    return new Promise((resolve) => {
      let isOver = false
      let isResting = false
      let leave: GiveUp = () => true
      const giveUp: GiveUp = () => isResting || leave()
      const attempt = (): void => {
        isResting = false
        if (!isOver) leave = start(answered)
      }
      const answered = (answer: Answer): void => {
        if (!isTooMuch(answer)) this.#retries.done()
        else if (this.#retries.rest(refused, 'overloaded')) {
          isResting = true
          return
        }
        finish(answer)
      }
      const refused: Resting = { deadline, keeps: false, doubtful, refusals: 0, again: attempt }
      const finish = (asked: Asked): void => {
        isOver = true
        this.#open.delete(open)
        signal?.removeEventListener('abort', aborted)
        resolve(asked)
      }
      const open: Open = { deadline, end: (error) => finish({ type: 'over', unsent: giveUp(), error }) }
      const aborted = (): void => open.end(signal === undefined ? null : abortedBy(signal))
      attempt()
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
    this.#retries.close()
    for (const { end } of this.#open.drain()) end(error)
  }
}

const isTooMuch = (answer: Answer): boolean =>
  answer.type === 'overloaded' ||
  (answer.type === 'changed' && answer.outcome.type === 'refused' && answer.outcome.code === 'too_many_requests')

export const timedOut = (): LockstepError => new LockstepError('timeout', 'no answer in time; nothing was changed')
