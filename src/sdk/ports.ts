import type { Millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { ClientDialer } from '#ports/client.ts'
import type { Clock } from '#ports/clock.ts'
import type { Entropy } from '#ports/entropy.ts'

export interface SdkPorts {
  readonly clock: Clock
  /** Leases are measured on it: it goes on while the process, and as far as possible the machine, sleeps. */
  readonly leaseClock: LeaseClock
  readonly prng: Prng
  readonly entropy: Entropy
  readonly dialer: ClientDialer
}

export interface LeaseClock {
  now(): Millis
}

/** Remembers something for all that a task calls, however asynchronously; as `AsyncLocalStorage` does. */
export interface TaskContext<T> {
  run<R>(value: T, call: () => R): R
  getStore(): T | undefined
}
