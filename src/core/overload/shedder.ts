import { assert } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import type { Prng } from '#base/prng.ts'
import type { ShedderLimits } from './limits.ts'

/**
 * Which new work to refuse, by how long work that was taken has had to wait.
 *
 * Problem: under more load than is carried everything that is taken waits for all that was taken before, so after some seconds nothing is answered in time, and no
 * limit on the number of what is open tells that from a burst.
 * Idea: a burst makes some wait, and an overload makes all wait. So the shortest wait of an interval is looked at (CoDel, RFC 8289), and the share of new work that is
 * refused follows it: up with what it is above the target and with how much it has grown, and down in the same way (PIE, RFC 8033).
 * Obstacles: waits are heard of when they are over, so late by just that time, hence the part of the growth. One wait after a long silence says nothing, so an interval
 * begins with a wait and ends with another. And who refuses everything hears nothing, so some is always taken, and what was heard is forgotten.
 */
export class Shedder {
  readonly #limits: ShedderLimits
  readonly #prng: Prng
  #share = 0
  /** When this interval began and when a wait was heard of last; null before the first. */
  #began: Millis | null = null
  #heardAt: Millis | null = null
  #least = Infinity
  /** The shortest wait of the last interval. */
  #standing = 0

  constructor(limits: ShedderLimits, prng: Prng) {
    assert(limits.shareMax < 1 && limits.forgetMs > limits.intervalMs, 'waits are always heard of again')
    this.#limits = limits
    this.#prng = prng
  }

  /** Of new work that is refused. */
  get share(): number {
    return this.#share
  }

  /** Work had to wait for so long until now. */
  waited(ms: number, now: Millis): void {
    this.#forget(now)
    this.#heardAt = now
    this.#began ??= now
    this.#least = Math.min(this.#least, ms)
    if (now - this.#began >= this.#limits.intervalMs && now > this.#began) this.#end(now)
  }

  /** Whether the next piece of new work is to be refused, beside so much that is under way. */
  refuses(open: number, now: Millis): boolean {
    this.#forget(now)
    return this.#share > 0 && open >= this.#free && this.#prng.float() < this.#share
  }

  get #free(): number {
    const { openFree, openFreeMin, targetMs } = this.#limits
    return this.#standing <= targetMs ? openFree : Math.max(openFreeMin, (openFree * targetMs) / this.#standing)
  }

  #end(now: Millis): void {
    const { targetMs, ofWait, ofGrowth, riseMax, fallMax, shareMax } = this.#limits
    const change = ofWait * (this.#least - targetMs) + ofGrowth * (this.#least - this.#standing)
    // A wait below the target is none, however fast it grows.
    const bounded = Math.max(-fallMax, Math.min(this.#least > targetMs ? riseMax : 0, change))
    this.#share = Math.max(0, Math.min(shareMax, this.#share + bounded))
    this.#standing = this.#least
    this.#least = Infinity
    this.#began = now
  }

  #forget(now: Millis): void {
    if (this.#heardAt === null || now - this.#heardAt < this.#limits.forgetMs) return
    this.#began = null
    this.#heardAt = null
    this.#least = Infinity
    this.#standing = 0
    this.#share = 0
  }
}
