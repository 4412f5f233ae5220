import type { Clock } from '#ports/clock.ts'
import type { PartitionChange } from '#core/queue/types.ts'
import { queueServiceLimits as limits } from './limits.ts'

export interface Rates {
  readonly enqueued: number
  readonly delivered: number
  readonly acknowledged: number
}

interface Second extends Record<keyof Rates, number> {
  at: number
}

/** How many messages a second came and went of late, by partition. */
export class RateMeter {
  readonly #clock: Clock
  /** The one that changed last is the last; none that has been at rest for longer than is counted. */
  readonly #seconds = new Map<string, Second[]>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  changed(key: string, { enqueued, delivered, acknowledged }: PartitionChange): void {
    if (enqueued + delivered + acknowledged === 0) return
    const at = this.#now()
    const seconds = this.#recent(key, at)
    const last = seconds.at(-1)
    const second = last?.at === at ? last : { at, enqueued: 0, delivered: 0, acknowledged: 0 }
    if (second !== last) {
      seconds.push(second)
      this.#seconds.delete(key)
      this.#seconds.set(key, seconds)
      this.#forget(at)
    }
    second.enqueued += enqueued
    second.delivered += delivered
    second.acknowledged += acknowledged
  }

  get size(): number {
    return this.#seconds.size
  }

  /** Of the last ten whole seconds, and the one that has begun. */
  of(key: string): Rates {
    const seconds = this.#recent(key, this.#now())
    const per = (name: keyof Rates): number => seconds.reduce((sum, second) => sum + second[name], 0) / limits.rateSeconds
    return { enqueued: per('enqueued'), delivered: per('delivered'), acknowledged: per('acknowledged') }
  }

  #forget(now: number): void {
    for (const [key, seconds] of this.#seconds) {
      if ((seconds.at(-1)?.at ?? 0) > now - limits.rateSeconds) return
      this.#seconds.delete(key)
    }
  }

  #recent(key: string, now: number): Second[] {
    const seconds = this.#seconds.get(key) ?? []
    while (seconds[0] !== undefined && seconds[0].at <= now - limits.rateSeconds) seconds.shift()
    return seconds
  }

  #now(): number {
    return Math.floor(this.#clock.now() / 1_000)
  }
}
