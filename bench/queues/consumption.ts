import type { Ledger } from './ledger.ts'
import type { Delivery, Reader } from './queue-client.ts'

interface Watching {
  /** Messages came, sent at those times; and so many were acked, so long after they came. */
  readonly onDelivered: (sentAt: readonly number[]) => void
  readonly onAcked: (messages: number, ms: number) => void
}

/** Reads a queue until all that was confirmed has come and is acked. */
export class Consumption implements Reader, Disposable {
  readonly #ledger: Ledger
  readonly #patienceMs: number
  readonly #watching: Watching
  readonly #over = Promise.withResolvers<void>()
  #unacked = 0
  #producing = true
  #lastAt = performance.now()
  readonly #timer: NodeJS.Timeout

  constructor(ledger: Ledger, patienceMs: number, watching: Watching) {
    this.#ledger = ledger
    this.#patienceMs = patienceMs
    this.#watching = watching
    this.#timer = setInterval(() => this.#look(), Math.min(1_000, patienceMs / 4))
    this.#over.promise.catch(() => {})
  }

  delivered(texts: readonly string[]): Delivery {
    const at = performance.now()
    this.#lastAt = at
    this.#watching.onDelivered(texts.map((text) => this.#deliver(text)))
    this.#unacked += texts.length
    return {
      acked: () => {
        this.#unacked -= texts.length
        this.#watching.onAcked(texts.length, performance.now() - at)
        this.#check()
      },
    }
  }

  failed(error: unknown): void {
    this.#over.reject(error instanceof Error ? error : new Error(String(error)))
  }

  /** Nothing more is sent. Rejects for a wrong message, and when what was confirmed does not come. */
  rest(): Promise<void> {
    this.#producing = false
    this.#lastAt = performance.now()
    this.#check()
    return this.over
  }

  get over(): Promise<void> {
    return this.#over.promise
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #deliver(text: string): number {
    try {
      return this.#ledger.deliver(text)
    } catch (error) {
      this.failed(error)
      throw error
    }
  }

  #check(): void {
    if (this.#producing || this.#unacked > 0 || this.#ledger.missing > 0) return
    this.#over.resolve()
  }

  #look(): void {
    if (this.#producing || performance.now() - this.#lastAt < this.#patienceMs) return
    const { missing, confirmed } = this.#ledger
    this.failed(new Error(`${missing} of ${confirmed} confirmed messages did not come, and ${this.#unacked} acks are open`))
  }
}
