import type { Prng } from '#base/prng.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import type { Fault } from '#api/errors.ts'
import { queueDeleting, unknownQueue } from '#api/queues/faults.ts'
import type { ServiceFault } from '#api/queues/queue-api.ts'
import type { CatalogueAnswer, Listing } from '#core/queue/catalogue-types.ts'
import type { PartitionRef, QueueAnswer, QueueCommand, QueueName } from '#core/queue/types.ts'
import { slotOf } from '#core/ring/partition.ts'
import type { Clock } from '#ports/clock.ts'
import type { SlotHost } from '#runtime/slot-host.ts'
import type { Admission } from '#services/common/admission.ts'
import { Directory } from './directory.ts'
import { catalogueGroupOf, queueServiceLimits as limits } from './limits.ts'
import { limitMet, unexpected, unsettled } from './queue-faults.ts'
import { QueuePath } from './queue-path.ts'

export interface QueueCallsPorts {
  /** Of the cluster, for life. */
  readonly slots: number
  readonly node: () => SlotHost
  readonly clock: Clock
  readonly prng: Prng
  readonly admission: Admission
  /** Whether the disk has room: without it nothing is taken that only grows. */
  readonly hasRoom: () => boolean
}

type FindFault = ServiceFault | 'queue_deleting' | 'too_many_queues' | 'unknown_queue'

/** Commands to the partitions of queues, wherever they lie. A slot that has not heard of a queue is told, once it is asked about it. */
export class QueueCalls {
  readonly directory: Directory
  readonly #ports: QueueCallsPorts
  readonly #paths = new Map<number, QueuePath>()

  constructor(ports: QueueCallsPorts) {
    this.#ports = ports
    const group = catalogueGroupOf(ports.slots)
    this.directory = new Directory(ports, { group, path: this.path(group) })
  }

  get slots(): number {
    return this.#ports.slots
  }

  path(group: number): QueuePath {
    const known = this.#paths.get(group)
    if (known !== undefined) return known
    const path = new QueuePath(group, this.#ports)
    this.#paths.set(group, path)
    return path
  }

  pathOf({ definition: { name } }: Listing, partition: number): QueuePath {
    return this.path(slotOf(name, partition, this.slots))
  }

  /** `create`: with defaults, if there is none. */
  async find(name: QueueName, create: boolean): Promise<Result<Listing, Fault<FindFault>>> {
    if (!create) {
      const found = await this.directory.find(name)
      if (!found.ok) return found
      return found.value === null ? err(unknownQueue(name)) : ok(found.value)
    }
    const ensured = await this.directory.ensure(name)
    return ensured.ok ? listingOf(name, ensured.value) : ensured
  }

  /** To one partition of the queue. Refused as `unknown_queue` when the queue is not what it is listed as any more: then it is to be found anew. */
  async submit(
    listing: Listing,
    partition: number,
    command: (queue: PartitionRef) => QueueCommand,
  ): Promise<Result<QueueAnswer, Fault<ServiceFault>>> {
    const path = this.pathOf(listing, partition)
    const queue = { generation: listing.definition.generation, partition }
    for (let attempt = 0; attempt < limits.configureAttempts; attempt++) {
      const answered = await path.submit(command(queue))
      if (!answered.ok || answered.value.type !== 'refused' || answered.value.code !== 'unknown_queue') return answered
      const told = await this.configure(path, listing)
      if (!told.ok) return told
      if (told.value) continue
      this.directory.forget(listing.definition.name)
      return answered
    }
    return err(unsettled())
  }

  /** Tells a slot of a queue; false when the slot knows of a deletion that came later. */
  async configure(path: QueuePath, { definition, catalogueVersion }: Listing): Promise<Result<boolean, Fault<ServiceFault>>> {
    const answered = await path.submit({ type: 'configure', queue: definition, catalogueVersion })
    if (!answered.ok) return answered
    if (answered.value.type === 'configured') return ok(true)
    if (answered.value.type === 'refused' && answered.value.code === 'stale_catalogue') return ok(false)
    return answered.value.type === 'refused' ? err(unsettled()) : unexpected(answered.value.type)
  }
}

function listingOf(name: QueueName, answer: CatalogueAnswer): Result<Listing, Fault<FindFault>> {
  if (answer.type === 'queue') return ok({ definition: answer.definition, catalogueVersion: answer.catalogueVersion })
  if (answer.type !== 'refused') return unexpected(answer.type)
  if (answer.code === 'being_deleted') return err(queueDeleting(name))
  if (answer.code === 'too_many_queues') return err(limitMet('too_many_queues'))
  return unexpected(answer.code)
}
