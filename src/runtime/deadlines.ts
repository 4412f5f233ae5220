import type { Millis } from '#base/brand.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import { runtimeLimits } from './limits.ts'

/** Ends what is overdue: one timer for all, however many wait. */
export class Deadlines<T extends { readonly deadline: Millis }> {
  readonly #clock: Clock
  readonly #post: (task: () => void) => void
  readonly #overdue: (item: T) => void
  readonly #items = new Set<T>()
  #timer: { readonly at: number; readonly cancel: Cancel } | null = null
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(ports: { readonly clock: Clock; readonly post: (task: () => void) => void }, overdue: (item: T) => void) {
    this.#clock = ports.clock
    this.#post = ports.post
    this.#overdue = overdue
  }

  get size(): number {
    return this.#items.size
  }

  has(item: T): boolean {
    return this.#items.has(item)
  }

  add(item: T): void {
    this.#items.add(item)
    this.#arm(item.deadline)
  }

  /** False when it is not waiting (any more). */
  delete(item: T): boolean {
    return this.#items.delete(item)
  }

  /** Takes all that wait. */
  drain(): readonly T[] {
    const items = [...this.#items]
    this.#items.clear()
    this.#timer?.cancel()
    this.#timer = null
    return items
  }

  #arm(deadline: number): void {
    const at = Math.max(deadline, this.#lookedAt + runtimeLimits.deadlineStepMs)
    if (this.#timer !== null && this.#timer.at <= at) return
    this.#timer?.cancel()
    const cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.#post(() => this.#look()))
    this.#timer = { at, cancel }
  }

  /** What ends may bring in something new at once, so the overdue are picked first. */
  #look(): void {
    const now = this.#clock.now()
    this.#timer = null
    this.#lookedAt = now
    const overdue: T[] = []
    let next = Number.POSITIVE_INFINITY
    for (const item of this.#items) {
      if (now >= item.deadline) overdue.push(item)
      else next = Math.min(next, item.deadline)
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next)
    for (const item of overdue) if (this.#items.delete(item)) this.#overdue(item)
  }
}
