import { wallMillis } from '#base/brand.ts'
import { firstDeliverable, touchHead } from './heads.ts'
import type { RecordNumber } from './records.ts'
import { none } from './records.ts'
import { refuse } from './refuse.ts'
import type { Partition, QueueState, Step } from './state.ts'
import { lease, settle } from './transitions.ts'
import type { Consume, Delivery, QueueAnswer } from './types.ts'

export function consume(step: Step, command: Consume): QueueAnswer {
  const { state, context } = step
  const queue = state.queues.get(command.queue.generation)
  if (queue === undefined) return refuse('unknown_queue')
  const { settings } = queue.definition
  if (settings.paused) return refuse('queue_paused')
  const visibilityMs = command.visibilityMs ?? settings.visibilityMs
  const visibleUntil = wallMillis(context.wall + visibilityMs)
  const partition = queue.partitions.get(command.queue.partition)
  if (partition === undefined) return { type: 'delivered', messages: [], visibleUntil }
  const room = state.limits.inFlightMax - partition.counts.leased
  if (room <= 0) return refuse('in_flight_full')
  const isKnown = state.consumers.get(command.consumer) !== undefined
  if (!isKnown && state.consumers.size >= state.limits.consumersMax) return refuse('too_many_consumers')
  return {
    type: 'delivered',
    messages: deliver(step, partition, { ...command, max: Math.min(command.max, room), visibilityMs }),
    visibleUntil,
  }
}

type Terms = Pick<Consume, 'consumer' | 'max' | 'bytesMax'> & { readonly visibilityMs: number }

function deliver(step: Step, partition: Partition, terms: Terms): Delivery[] {
  const { state } = step
  const { ledger } = partition
  const deliveries: Delivery[] = []
  let bytes = 0
  while (deliveries.length < terms.max) {
    const head = nextHead(step, partition)
    if (head === null) break
    seekEntry(state, partition, head)
    if (deliveries.length > 0 && bytes + ledger.bytesMax > terms.bytesMax) break
    bytes += ledger.bytesMax
    const record = head === none ? touchHead(step, partition) : head
    lease(step, record, terms)
    deliveries.push(deliveryOf(state, partition, record))
  }
  return deliveries
}

/** Those whose ttl is over are never delivered. Null also when there are too many of them in front for one command to end. */
function nextHead(step: Step, partition: Partition): RecordNumber | null {
  for (let left = step.state.limits.expiriesMax; left > 0; left--) {
    const head = firstDeliverable(step.state, partition, 'highest')
    if (head === null) return null
    const { record } = head
    if (record === none || (step.state.records.expires[record] as number) > step.context.time) return record
    step.count(partition, 'expired')
    settle(step, record)
  }
  return null
}

function seekEntry({ records }: QueueState, { ledger }: Partition, head: RecordNumber): void {
  if (head === none) ledger.seekHead()
  else ledger.seek(records.indexOf(head), records.offset[head] as number)
}

function deliveryOf({ records, identity }: QueueState, { ledger }: Partition, record: RecordNumber): Delivery {
  const index = records.indexOf(record)
  const offset = records.offset[record] as number
  ledger.seek(index, offset)
  return {
    id: { slot: identity.slot, index, offset, check: ledger.check },
    lease: records.lease[record] as number,
    failed: records.failed[record] as number,
    enqueuedAt: wallMillis(ledger.wall),
  }
}
