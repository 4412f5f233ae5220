import type { Scheduler } from '#sim/world/scheduler.ts'

/** One direction of a connection: everything arrives in order, until from some moment on nothing does any more, as with TCP. */
export class Pipe {
  readonly #scheduler: Scheduler
  readonly #delayMs: () => number
  #arrivesAt = 0
  #isDead = false

  constructor(scheduler: Scheduler, delayMs: () => number) {
    this.#scheduler = scheduler
    this.#delayMs = delayMs
  }

  send(arrive: () => void): void {
    if (this.#isDead) return
    this.#arrivesAt = Math.max(this.#arrivesAt, this.#scheduler.now + this.#delayMs())
    this.#scheduler.at(this.#arrivesAt, () => {
      if (!this.#isDead) arrive()
    })
  }

  /** Whatever is sent from now on arrives no earlier than then. */
  slow(forMs: number): void {
    this.#arrivesAt = Math.max(this.#arrivesAt, this.#scheduler.now + forMs)
  }

  /** Nothing arrives any more, neither what is under way: the tail of what was sent is lost. */
  die(): void {
    this.#isDead = true
  }
}
