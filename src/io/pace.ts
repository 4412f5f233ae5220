const kibibyte = 1024

/** Up to here a write runs on the event loop, which spares two changes of thread. */
const inlineBytesMax = 64 * kibibyte
/** A write that took longer than this tells of a slow disk: the next ones leave the event loop alone. */
const slowMs = 30
const slowWrites = 16

/**
 * Decides where a durable write runs. On the event loop it is two changes of thread shorter, and nobody else gets a turn until it is
 * durable; so that is for small ones while the disk is quick. A disk that stalls holds up the event loop once, then a thread takes
 * over for a while.
 */
export class Pace {
  #slowLeft = 0

  inline(bytes: number): boolean {
    return bytes <= inlineBytesMax && this.#slowLeft === 0
  }

  /** A write of `bytes` took so long. */
  took(bytes: number, ms: number): void {
    if (bytes > inlineBytesMax) return
    if (ms > slowMs) this.#slowLeft = slowWrites
    else if (this.#slowLeft > 0) this.#slowLeft--
  }
}
