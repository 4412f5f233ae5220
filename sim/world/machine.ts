import { millis, wallMillis } from '#base/brand.ts'
import type { Millis, WallMillis } from '#base/brand.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import { Deque } from '#base/deque.ts'
import type { Scheduler } from './scheduler.ts'

/**
 * A simulated computer: its clocks, and the process that runs on it. Whatever is to happen in the process goes through `run`, so that a crash
 * drops it and a pause holds it back.
 */
export class Machine implements Clock {
  readonly name: string
  readonly #scheduler: Scheduler
  /** Hears of every call, to look at what it did. */
  readonly #watcher: { touched(name: string): void }
  #life = 0
  #paused = false
  #held: { readonly life: number; readonly call: () => void }[] = []
  /** The monotonic clock runs at this rate of true time. */
  #rate = 1
  #nowAtChange = 1_000
  #changedAt = 0
  #wallOffsetMs = 0
  /** What each call takes of the one processor. */
  #costMs = 0
  readonly #line = new Deque<{ readonly life: number; readonly call: () => void }>()
  #working = false

  constructor(name: string, scheduler: Scheduler, watcher: { touched(name: string): void }) {
    this.name = name
    this.#scheduler = scheduler
    this.#watcher = watcher
  }

  get life(): number {
    return this.#life
  }
  get paused(): boolean {
    return this.#paused
  }

  now(): Millis {
    return millis(this.#nowAtChange + (this.#scheduler.now - this.#changedAt) * this.#rate)
  }

  wall(): WallMillis {
    return wallMillis(1_700_000_000_000 + this.#scheduler.now + this.#wallOffsetMs)
  }

  /**
   * The clocks as the process sees them that lives now. Its promises may run on within the event of its crash; what they begin then must not happen
   * in the process after it.
   */
  process(): Clock {
    const life = this.#life
    return {
      now: () => this.now(),
      wall: () => this.wall(),
      after: (delayMs, call) => (life === this.#life ? this.after(delayMs, call) : () => {}),
      soon: (call) => {
        if (life === this.#life) this.soon(call)
      },
    }
  }

  after(delayMs: number, call: () => void): Cancel {
    const life = this.#life
    const cancel = this.#scheduler.after(delayMs === 0 ? 0 : Math.max(finestMs, delayMs / this.#rate), () => {
      this.run(life, () => {
        if (!isCancelled) call()
      })
    })
    // It may be due already, and held back by a pause.
    let isCancelled = false
    return () => {
      isCancelled = true
      cancel()
    }
  }

  soon(call: () => void): void {
    const life = this.#life
    this.#scheduler.soon(() => this.run(life, call))
  }

  /** Runs the call in the process that lives now, unless it is dead by then; a paused one gets it when it wakes. */
  run(life: number, call: () => void): void {
    if (life !== this.#life) return
    if (this.#paused) {
      this.#held.push({ life, call })
      return
    }
    if (this.#costMs > 0 || this.#line.length > 0) this.#standInLine(life, call)
    else this.#carryOut(call)
  }

  /** From now on whatever happens in the process takes so long, and what comes meanwhile stands in line. */
  work(costMs: number): void {
    this.#costMs = costMs
  }

  #carryOut(call: () => void): void {
    this.#watcher.touched(this.name)
    call()
  }

  #standInLine(life: number, call: () => void): void {
    this.#line.push({ life, call })
    if (this.#working) return
    this.#working = true
    this.#scheduler.after(this.#costMs, () => this.#next())
  }

  #next(): void {
    const first = this.#line.shift()
    if (first !== undefined && first.life === this.#life) {
      if (this.#paused) this.#held.push(first)
      else this.#carryOut(first.call)
    }
    this.#working = this.#line.length > 0
    if (this.#working) this.#scheduler.after(this.#costMs, () => this.#next())
  }

  crash(): void {
    this.#life++
    this.#paused = false
    this.#held = []
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    const held = this.#held
    this.#held = []
    for (const { life, call } of held) this.run(life, call)
  }

  setRate(rate: number): void {
    this.#nowAtChange = this.now()
    this.#changedAt = this.#scheduler.now
    this.#rate = rate
  }

  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs
  }

  resetWall(): void {
    this.#wallOffsetMs = 0
  }
}

/** A timer may not be so fine that rounding makes it none: it would be set again and again while time stands still. */
const finestMs = 0.001
