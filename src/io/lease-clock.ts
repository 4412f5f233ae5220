import { uptime } from 'node:os'
import { millis } from '#base/brand.ts'
import type { Millis } from '#base/brand.ts'

/**
 * A clock for leases: it goes on while the process is stopped, and while the machine sleeps.
 *
 * Node's monotonic clock goes on for a process that is stopped, but on Linux and macOS it stands still while the machine is suspended. What the machine
 * says of its own uptime (`CLOCK_BOOTTIME`, or its like) does not, but is coarse. So time is the monotonic clock's, plus whatever the uptime
 * has gone ahead of it since the start. That can only make leases shorter. The uptime costs a file to be read, so it is read once in a few
 * milliseconds: whoever looks at a lease may be stopped for longer than that right after.
 */
export class LeaseClock {
  readonly #monotonic: () => number
  readonly #uptimeMs: () => number
  readonly #startedApart: number
  #suspendedMs = 0
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(monotonic: () => number = () => performance.now(), uptimeMs: () => number = () => uptime() * 1_000) {
    this.#monotonic = monotonic
    this.#uptimeMs = uptimeMs
    this.#startedApart = uptimeMs() - monotonic()
  }

  now(): Millis {
    const now = this.#monotonic()
    if (now - this.#lookedAt < freshMs) return millis(now + this.#suspendedMs)
    this.#lookedAt = now
    const apart = this.#uptimeMs() - now - this.#startedApart
    if (apart > this.#suspendedMs + coarseMs) this.#suspendedMs = apart
    return millis(now + this.#suspendedMs)
  }
}

const freshMs = 2

/** Less than that may be due to how the two are read. */
const coarseMs = 1_100
