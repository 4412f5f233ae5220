import type { Millis, WallMillis } from '#base/brand.ts'
import type { Cancel, Clock } from '#ports/clock.ts'

/** A clock that knows how many calls it owes, so that a timer that somebody has forgotten is found. */
export class CountedClock implements Clock {
  readonly #clock: Clock
  #owed = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get owed(): number {
    return this.#owed
  }

  now(): Millis {
    return this.#clock.now()
  }

  wall(): WallMillis {
    return this.#clock.wall()
  }

  after(delayMs: number, call: () => void): Cancel {
    const settled = this.#owe()
    const cancel = this.#clock.after(delayMs, () => {
      settled()
      call()
    })
    return () => {
      settled()
      cancel()
    }
  }

  soon(call: () => void): void {
    this.#clock.soon(call)
  }

  #owe(): () => void {
    this.#owed++
    let isOwed = true
    return () => {
      if (isOwed) this.#owed--
      isOwed = false
    }
  }
}
