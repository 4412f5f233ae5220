import { limits } from './limits.ts'

/**
 * Decides where a transaction runs. On the event loop it is two changes of thread shorter, and nobody else gets a turn until it is
 * durable; so that is for small ones while the disk is quick. A disk that stalls holds up the event loop once, then the thread takes
 * over for a while.
 */
export class Pace {
  #slowLeft = 0

  inline(bytes: number): boolean {
    return bytes <= limits.inlineBytesMax && this.#slowLeft === 0
  }

  /** A transaction of `bytes` took so long. */
  took(bytes: number, ms: number): void {
    if (bytes > limits.inlineBytesMax) return
    if (ms > limits.slowMs) this.#slowLeft = limits.slowTransactions
    else if (this.#slowLeft > 0) this.#slowLeft--
  }
}
