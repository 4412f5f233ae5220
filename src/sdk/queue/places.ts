import type { Millis } from '#base/brand.ts'
import { RecentMap } from '#base/recent-map.ts'
import type { Asking } from './asking.ts'
import { ask } from './asking.ts'
import { queueSdkLimits as limits } from './limits.ts'

/** How a queue is spread, and for how long its deliveries are leased unless somebody says otherwise. */
export interface QueuePlace {
  readonly partitions: number
  readonly slots: number
  readonly visibilityMs: number
}

interface Known {
  /** Null: what was known was wrong, so that nodes too should look again. */
  place: QueuePlace | null
  askedAt: Millis
}

interface Finding {
  readonly create: boolean
  readonly deadline?: Millis
}

/**
 * What this client knows of queues. It may be old: when the queue is spread otherwise by now a node says so, and it is asked for anew; settings are asked for again
 * beside their use.
 */
export class Places {
  readonly #asking: Asking
  readonly #known = new RecentMap<string, Known>(limits.queuesMax)

  constructor(asking: Asking) {
    this.#asking = asking
  }

  known(queue: string): QueuePlace | null {
    const known = this.#known.get(queue)
    if (known === undefined || known.place === null) return null
    const now = this.#asking.clock.now()
    if (now - known.askedAt >= limits.placeFreshMs) {
      known.askedAt = now
      void this.#refresh(queue, known, known.place)
    }
    return known.place
  }

  forget(queue: string): void {
    this.#known.set(queue, { place: null, askedAt: this.#asking.clock.now() })
  }

  /** `create`: with defaults, if there is none. `deadline`: of what it is asked for; the time for a call may be over before. */
  async find(queue: string, finding: Finding): Promise<QueuePlace> {
    const known = this.known(queue)
    if (known !== null) return known
    const askedAt = this.#asking.clock.now()
    const place = await this.#ask(queue, finding)
    this.#known.set(queue, { place, askedAt })
    return place
  }

  /** Who uses the queue next hears it if it is not there any more. */
  async #refresh(queue: string, known: Known, { partitions, slots }: QueuePlace): Promise<void> {
    const place = await this.#ask(queue, { create: false }).catch(() => null)
    if (place?.partitions === partitions && place.slots === slots) known.place = place
  }

  async #ask(queue: string, { create, deadline }: Finding): Promise<QueuePlace> {
    const fresh = this.#known.get(queue)?.place === null
    const { partitions, slots, visibilityMs } = await ask(this.#asking, {
      expects: 'located',
      deadline,
      message: (call) => ({ type: 'locate', call, queue, create, fresh }),
    })
    return { partitions, slots, visibilityMs }
  }
}
