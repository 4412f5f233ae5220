import type { Millis } from '#base/brand.ts'
import type { Asking } from './asking.ts'
import { ask } from './asking.ts'

/** How a queue is spread, and for how long its deliveries are leased unless somebody says otherwise. */
export interface QueuePlace {
  readonly partitions: number
  readonly slots: number
  readonly visibilityMs: number
}

/** What this client knows of queues. It may be old: then a node says so, and it is asked for anew. */
export class Places {
  readonly #asking: Asking
  readonly #known = new Map<string, QueuePlace>()
  /** Forgotten, so that nodes too should look again. */
  readonly #stale = new Set<string>()

  constructor(asking: Asking) {
    this.#asking = asking
  }

  known(queue: string): QueuePlace | null {
    return this.#known.get(queue) ?? null
  }

  forget(queue: string): void {
    this.#known.delete(queue)
    this.#stale.add(queue)
  }

  /** `create`: with defaults, if there is none. `deadline`: of what it is asked for; the time for a call may be over before. */
  async find(queue: string, { create, deadline }: { readonly create: boolean; readonly deadline?: Millis }): Promise<QueuePlace> {
    const known = this.#known.get(queue)
    if (known !== undefined) return known
    const fresh = this.#stale.has(queue)
    const { partitions, slots, visibilityMs } = await ask(this.#asking, {
      expects: 'located',
      deadline,
      message: (call) => ({ type: 'locate', call, queue, create, fresh }),
    })
    const place = { partitions, slots, visibilityMs }
    this.#stale.delete(queue)
    this.#known.set(queue, place)
    return place
  }
}
