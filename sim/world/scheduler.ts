import { Deque } from '#base/deque.ts'
import { Heap } from '#base/heap.ts'
import type { Cancel } from '#ports/clock.ts'
import { Violation } from '#sim/checks/violation.ts'

/** Virtual time: events happen in order of their time, and of being scheduled where times are equal. */
export class Scheduler {
  #now = 0
  #count = 0
  #sequence = 0
  #countAtNow = 0
  readonly #events = new Heap<ScheduledEvent>(
    (left, right) => left.at < right.at || (left.at === right.at && left.sequence < right.sequence),
  )

  /**
   * What is to happen at this very moment, which is the half of all: it comes behind what was scheduled for this moment before, for that
   * is what is in the heap.
   */
  readonly #soon = new Deque<ScheduledEvent>()

  /** Milliseconds since the beginning. */
  get now(): number {
    return this.#now
  }
  /** Events that have happened. */
  get count(): number {
    return this.#count
  }

  after(delayMs: number, call: () => void): Cancel {
    return this.at(this.#now + Math.max(0, delayMs), call)
  }

  /** At exactly this moment, so that what is scheduled for one moment at different times keeps its order. */
  at(at: number, call: () => void): Cancel {
    const event: ScheduledEvent = { at: Math.max(at, this.#now), sequence: this.#sequence++, call, cancelled: false }
    if (event.at === this.#now) this.#soon.push(event)
    else this.#events.push(event)
    return () => {
      event.cancelled = true
    }
  }

  /** At this moment, behind all that is to happen at it already. */
  soon(call: () => void): void {
    this.#soon.push({ at: this.#now, sequence: this.#sequence++, call, cancelled: false })
  }

  /** Lets everything up to `until` happen; `each` is called after every event. */
  run(until: number, each: () => void): void {
    while (this.step(until)) each()
  }

  /** Lets the next event happen that is due by `until`; false when there is none, and then it is `until`. */
  step(until: number): boolean {
    const event = this.#take(until)
    if (event === null) {
      this.#now = Math.max(this.#now, until)
      return false
    }
    this.#countAtNow = event.at === this.#now ? this.#countAtNow + 1 : 1
    if (this.#countAtNow > eventsPerMoment) throw new Violation(`time stands still: ${eventsPerMoment} events at ${this.#now} ms`)
    this.#now = event.at
    this.#count++
    event.call()
    return true
  }

  #take(until: number): ScheduledEvent | null {
    for (;;) {
      const timed = this.#events.peek()
      const event = timed !== undefined && timed.at === this.#now ? timed : (this.#soon.at(0) ?? timed)
      if (event === undefined || event.at > until) return null
      if (event === timed) this.#events.pop()
      else this.#soon.shift()
      if (!event.cancelled) return event
    }
  }
}

/** More at one moment means that something keeps itself busy for ever. */
const eventsPerMoment = 1_000_000

interface ScheduledEvent {
  readonly at: number
  readonly sequence: number
  readonly call: () => void
  cancelled: boolean
}
