import type { Millis, WallMillis } from '#base/brand.ts'

/** Ends what it stands for; harmless when that already happened. */
export type Cancel = () => void

/** Time and turns of the event loop. Everything that waits, waits through here. */
export interface Clock {
  /** Monotonic: never goes back, its origin means nothing. Read afresh at every call. */
  now(): Millis
  /** Milliseconds since 1970 as the machine believes; may jump either way. */
  wall(): WallMillis
  /** Calls once, not before `delayMs` has passed. */
  after(delayMs: number, call: () => void): Cancel
  /** Calls once, after what is being handled now, before any timer. */
  soon(call: () => void): void
}
