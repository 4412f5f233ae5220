import { unavailable } from '#api/common/faults.ts'
import type { Fault } from '#api/errors.ts'
import { queueLimitMet } from '#api/queues/faults.ts'
import { catalogueLimits, queueLimits } from '#core/queue/limits.ts'

/** Which limit of the machine each of these has met. */
const limitOf = {
  dedupe_full: queueLimits.dedupeIdsMax,
  slot_full: queueLimits.touchedMax,
  in_flight_full: queueLimits.inFlightMax,
  too_many_queues: catalogueLimits.queuesMax,
  too_many_partitions: queueLimits.partitionsMax,
  too_many_consumers: queueLimits.consumersMax,
  too_many_producers: queueLimits.producersMax,
} as const

export const limitMet = <Code extends keyof typeof limitOf>(code: Code): Fault<Code> => queueLimitMet(code, limitOf[code])

/** A slot was told of the queue again and again, and each time there was something newer. */
export const unsettled = (): Fault<'unavailable'> => unavailable('the queue changes faster than its slots hear of it')

/** What no caller of a service can bring about. */
export function unexpected(what: string): never {
  throw new Error(`the queue service did not expect ${what}`)
}
