import { systemClock } from '#io/system-clock.ts'
import type { Clock } from '#ports/clock.ts'
import { millis } from '#base/brand.ts'

/** A clock that runs so many times faster, for what takes seconds by design. */
export const fastClock = (times: number): Clock => ({
  ...systemClock,
  now: () => millis(systemClock.now() * times),
  after: (delayMs, call) => systemClock.after(delayMs / times, call),
})
