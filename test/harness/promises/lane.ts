/** One thing that is done again and again. It has recovered from a fault once something that was begun after the fault went well. */
export class Lane {
  readonly name: string
  done = 0
  readonly #waiting = new Set<{ readonly since: number; readonly resolve: (at: number) => void }>()

  constructor(name: string) {
    this.name = name
  }

  succeeded(begunAt: number): void {
    this.done++
    const at = performance.now()
    for (const waiter of this.#waiting) {
      if (begunAt < waiter.since) continue
      this.#waiting.delete(waiter)
      waiter.resolve(at)
    }
  }

  /** When the first of what was begun after `since` went well. */
  recovered(since: number, withinMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const waiter = {
        since,
        resolve: (at: number) => {
          clearTimeout(timer)
          resolve(at)
        },
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(waiter)
        reject(new Error(`${this.name}: nothing went well within ${withinMs} ms`))
      }, withinMs)
      this.#waiting.add(waiter)
    })
  }
}

/** What went wrong, by its code. */
export class Failures {
  readonly #counts = new Map<string, number>()

  add(error: unknown): string {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1)
    return code
  }

  /** Since it was asked for last. */
  take(): Readonly<Record<string, number>> {
    const counts = Object.fromEntries(this.#counts)
    this.#counts.clear()
    return counts
  }
}

/** One kind of work whose promises are watched. */
export interface PromisedWork extends AsyncDisposable {
  readonly lanes: readonly Lane[]
  readonly failures: Failures
  /** What should not have been, so far. */
  readonly violations: readonly string[]
  /** Everything that was acknowledged by now is there; resolves with what is not. */
  judge(): Promise<readonly string[]>
}

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
