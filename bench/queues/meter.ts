import { cpuMs } from '#bench/kit/processor-time.ts'
import { percentile } from '#bench/kit/stats.ts'

interface Reading {
  readonly at: number
  readonly serversMs: number
  readonly clientMs: number
}

export interface Metered {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Processor time for each, in microseconds: of all servers, and of this process. */
  readonly serversUs: number
  readonly clientUs: number
}

/** Counts what is done between `open` and `close`, and reads what that took of the processors. */
export class Meter {
  readonly #pids: readonly number[]
  readonly #now: () => number
  #opened: Reading | null = null
  #closed: Reading | null = null
  #count = 0
  readonly #latencies: number[] = []

  constructor(pids: readonly number[], now: () => number = () => performance.now()) {
    this.#pids = pids
    this.#now = now
  }

  get isClosed(): boolean {
    return this.#closed !== null
  }

  open(): void {
    this.#opened ??= this.#read()
  }

  /** Without effect when it was never open, or is closed already. */
  close(): void {
    if (this.#opened !== null) this.#closed ??= this.#read()
  }

  /** So many messages are done. */
  count(messages: number): void {
    if (this.#isOpen) this.#count += messages
  }

  took(ms: number): void {
    if (this.#isOpen) this.#latencies.push(ms)
  }

  /** When it is closed. What nothing was done for has a rate of 0, and no latencies and costs. */
  result(): Metered {
    const [from, to] = [this.#opened, this.#closed]
    if (from === null || to === null) throw new Error('nothing was measured')
    const each = (ms: number): number => (ms * 1_000) / this.#count
    return {
      perSecond: (this.#count / (to.at - from.at)) * 1_000,
      p50Ms: percentile(this.#latencies, 0.5),
      p99Ms: percentile(this.#latencies, 0.99),
      serversUs: each(to.serversMs - from.serversMs),
      clientUs: each(to.clientMs - from.clientMs),
    }
  }

  get #isOpen(): boolean {
    return this.#opened !== null && this.#closed === null
  }

  #read(): Reading {
    const { user, system } = process.cpuUsage()
    const serversMs = this.#pids.reduce((sum, pid) => sum + cpuMs(pid), 0)
    return { at: this.#now(), serversMs, clientMs: (user + system) / 1_000 }
  }
}
