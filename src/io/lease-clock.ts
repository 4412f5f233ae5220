import { uptime } from 'node:os'
import { millis } from '#base/brand.ts'
import type { Millis } from '#base/brand.ts'

/**
 * A clock for leases: it goes on while the process is stopped, and while the machine sleeps.
 *
 * Node's monotonic clock goes on for a process that is stopped, but on Linux and macOS it stands still while the machine is suspended. What the machine
 * says of its own uptime (`CLOCK_BOOTTIME`, or its like) does not, but is coarse. So time is the monotonic clock's, plus whatever the uptime
 * has gone ahead of it since the start. That can only make leases shorter.
 */
export class LeaseClock {
  readonly #monotonic: () => number
  readonly #uptimeMs: () => number
  readonly #startedApart: number
  #suspendedMs = 0

  constructor(monotonic: () => number = () => performance.now(), uptimeMs: () => number = () => uptime() * 1_000) {
    this.#monotonic = monotonic
    this.#uptimeMs = uptimeMs
    this.#startedApart = uptimeMs() - monotonic()
  }

  now(): Millis {
    const now = this.#monotonic()
    const apart = this.#uptimeMs() - now - this.#startedApart
    if (apart > this.#suspendedMs + coarseMs) this.#suspendedMs = apart
    return millis(now + this.#suspendedMs)
  }
}

/** Less than that may be due to how the two are read. */
const coarseMs = 1_100
