import type { Result } from '#base/result.ts'
import { ok } from '#base/result.ts'
import type { Fault } from '#api/errors.ts'
import type { ServiceFault } from '#api/queues/queue-api.ts'
import type { Deleting, Listing } from '#core/queue/catalogue-types.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { Cancel, Clock } from '#ports/clock.ts'
import { queueServiceLimits as limits } from './limits.ts'
import type { QueueCalls } from './queue-calls.ts'

interface KeeperPorts {
  readonly calls: QueueCalls
  readonly clock: Clock
  /** Whether this node leads the catalogue. */
  readonly leads: () => boolean
}

/**
 * Sees to it that slots hear of what the catalogue has decided, settings and deletions: whoever asked for it does, and for what is still open
 * a while later the leader of the catalogue, for that one may be gone. It tries until nothing is.
 */
export class CatalogueKeeper {
  readonly #ports: KeeperPorts
  readonly #deleting = new Map<number, Promise<boolean>>()
  #cancel: Cancel | null = null
  #stopped = false

  constructor(ports: KeeperPorts) {
    this.#ports = ports
  }

  /** The catalogue has moved on, or has another leader. */
  look(): void {
    if (this.#cancel !== null || this.#stopped || !this.#ports.leads()) return
    this.#cancel = this.#ports.clock.after(limits.keeperRestMs, () => {
      this.#cancel = null
      void this.#bringAll().then((isDone) => {
        if (!isDone) this.look()
      })
    })
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  /** To every slot that has partitions of the queue. */
  async bring(listing: Listing): Promise<Result<null, Fault<ServiceFault>>> {
    const { calls } = this.#ports
    const told = await Promise.all(slotsOf(listing, calls.slots).map((slot) => calls.configure(calls.path(slot), listing)))
    const failed = told.find((each) => !each.ok)
    if (failed !== undefined && !failed.ok) return failed
    // Who does not hear of this brings them once more, which changes nothing.
    const { name, revision } = listing.definition
    void calls.directory.submit({ type: 'reached', name, revision })
    return ok(null)
  }

  /** True when every slot has carried the deletion out; false when that could not be had now. */
  finish(deleting: Deleting): Promise<boolean> {
    const known = this.#deleting.get(deleting.generation)
    if (known !== undefined) return known
    const finished = this.#finish(deleting).finally(() => this.#deleting.delete(deleting.generation))
    this.#deleting.set(deleting.generation, finished)
    return finished
  }

  /** False when something may be left. */
  async #bringAll(): Promise<boolean> {
    if (!this.#ports.leads()) return true
    const pending = await this.#ports.calls.directory.look({ type: 'pending' })
    if (pending === null) return false
    const finished = await Promise.all(pending.deleting.map((queue) => this.finish(queue)))
    const brought = await Promise.all(pending.changed.map((listing) => this.bring(listing)))
    return finished.every((isFinished) => isFinished) && brought.every((each) => each.ok)
  }

  async #finish({ generation, catalogueVersion, pending }: Deleting): Promise<boolean> {
    const { calls } = this.#ports
    const told = await Promise.all(
      pending.map(async (slot) => {
        const answered = await calls.path(slot).submit({ type: 'delete-queue', generation, catalogueVersion })
        return answered.ok && answered.value.type === 'deleted' ? slot : null
      }),
    )
    const slots = told.filter((slot) => slot !== null)
    if (slots.length === 0) return false
    const answered = await calls.directory.submit({ type: 'applied', generation, slots })
    return answered.ok && answered.value.type === 'gone'
  }
}

export const slotsOf = ({ definition: { name, partitions } }: Pick<Listing, 'definition'>, slots: number): readonly number[] => [
  ...new Set(Array.from({ length: Math.min(partitions, slots) }, (_, partition) => slotOf(name, partition, slots))),
]
