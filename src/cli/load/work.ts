import { setTimeout as sleep } from 'node:timers/promises'
import { Latencies } from './latencies.ts'
import { refusalOf } from './refusal.ts'

/** One kind of operation, which some clients carry out all the time, each one after the other. */
export interface Work {
  /** What is counted, as in `lock pairs`. */
  readonly name: string
  readonly clients: number
  /** One turn of a client; resolves with how many operations it was. What was refused rejects. */
  readonly turn: (client: number, signal: AbortSignal) => Promise<number>
  /** What was answered and cannot be so. */
  readonly wrong: readonly string[]
}

/** What became of it. */
export interface WorkDone {
  readonly name: string
  readonly operations: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Turns that were refused or not answered. */
  readonly failed: number
  /** Why, by code. */
  readonly failures: Readonly<Record<string, number>>
  readonly wrong: readonly string[]
}

interface Running {
  readonly ms: number
  readonly signal: AbortSignal
  /** Told again and again. */
  readonly progress: (line: string) => void
}

const tellEveryMs = 200
/** After a refusal, so that a service that is away is not asked without a break. */
const restMs = 50

/** Lets all of them work side by side for so long. Rejects with the reason of the signal, or with what is no refusal. */
export async function runWorks(works: readonly Work[], { ms, signal, progress }: Running): Promise<readonly WorkDone[]> {
  const enough = new AbortController()
  const meters = works.map((work) => new Meter(work))
  const startedAt = performance.now()
  const over = AbortSignal.any([signal, enough.signal])
  const teller = setInterval(() => progress(lineOf(meters, performance.now() - startedAt, ms)), tellEveryMs)
  const timer = setTimeout(() => enough.abort(), ms)
  try {
    await Promise.all(meters.flatMap((meter) => meter.clients(over)))
    signal.throwIfAborted()
    return meters.map((meter) => meter.done(performance.now() - startedAt))
  } finally {
    clearInterval(teller)
    clearTimeout(timer)
    // When one of them rejects, the others end too.
    enough.abort()
  }
}

class Meter {
  readonly work: Work
  readonly #latencies = new Latencies()
  readonly #failures = new Map<string, number>()

  constructor(work: Work) {
    this.work = work
  }

  get count(): number {
    return this.#latencies.count
  }

  clients(signal: AbortSignal): readonly Promise<void>[] {
    return Array.from({ length: this.work.clients }, (_, client) => this.#client(client, signal))
  }

  done(tookMs: number): WorkDone {
    const { name, wrong } = this.work
    const failed = [...this.#failures.values()].reduce((sum, count) => sum + count, 0)
    return {
      name,
      operations: this.count,
      perSecond: (this.count / tookMs) * 1_000,
      p50Ms: this.#latencies.percentileMs(0.5),
      p99Ms: this.#latencies.percentileMs(0.99),
      maxMs: this.#latencies.maxMs,
      failed,
      failures: Object.fromEntries(this.#failures),
      wrong: [...wrong],
    }
  }

  async #client(client: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedAt = performance.now()
      try {
        const operations = await this.work.turn(client, signal)
        if (operations > 0) this.#latencies.add((performance.now() - startedAt) / operations, operations)
      } catch (error) {
        const { code } = refusalOf(error)
        // Nobody refused it: it was given up because the time is over.
        if (signal.aborted && (code === 'aborted' || code === 'closed')) return
        this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1)
        await sleep(restMs, undefined, { signal }).catch(() => {})
      }
    }
  }
}

const lineOf = (meters: readonly Meter[], passedMs: number, ms: number): string => {
  const counts = meters.map(({ work, count }) => `${work.name} ${Math.round((count / passedMs) * 1_000)}/s`)
  return `${Math.min(passedMs / 1_000, ms / 1_000).toFixed(1)} of ${ms / 1_000} s: ${counts.join(', ')}`
}
