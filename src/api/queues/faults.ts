import type { DetailsOf, Fault } from '#api/errors.ts'
import { faultOf } from '#api/errors.ts'
import { queueApiLimits as limits } from './limits.ts'

/** The faults of the queue service with their words, so that every path to one says the same. */

/** Long names would drown the message. */
const quoted = (name: string): string => JSON.stringify(name.length > 64 ? `${name.slice(0, 63)}…` : name)

export const unknownQueue = (queue: string): Fault<'unknown_queue'> =>
  faultOf('unknown_queue', `there is no queue ${quoted(queue)}: send a message to it, or create it with PUT /queues/{queue}`, {})

export const queueDeleting = (queue: string, retryAfterMs = 1_000): Fault<'queue_deleting'> =>
  faultOf(
    'queue_deleting',
    `the queue ${quoted(queue)} is being deleted, and its name is not free yet; nothing was carried out: try again`,
    {
      retry_after_ms: retryAfterMs,
    },
  )

export const partitionsFixed = (queue: string, partitions: number): Fault<'partitions_fixed'> =>
  faultOf('partitions_fixed', `the queue ${quoted(queue)} has ${partitions} partitions for life: leave them out, or make another queue`, {
    partitions,
  })

/** `expected` is what it was said to be; `revision` what it is. Either is 0 for no such queue. */
export function staleRevision(
  queue: string,
  { expected, revision }: Readonly<Record<'expected' | 'revision', number>>,
): Fault<'stale_revision'> {
  const name = quoted(queue)
  if (revision === 0) return faultOf('stale_revision', `there is no queue ${name}: if_revision 0 creates it`, { revision })
  const what =
    expected === 0 ? `there is a queue ${name} already, of revision ${revision}` : `the queue ${name} has the revision ${revision} by now`
  return faultOf('stale_revision', `${what}: read it, and give that if_revision to change it`, { revision })
}

export const deadLetterCycle = (queue: string, target: string): Fault<'dead_letter_cycle'> =>
  faultOf(
    'dead_letter_cycle',
    `the dead letters of ${quoted(queue)} would come back to it by way of ${quoted(target)}: choose another queue`,
    {},
  )

export const redriveActive = (queue: string): Fault<'redrive_active'> =>
  faultOf('redrive_active', `a redrive of ${quoted(queue)} runs: wait, or stop it with DELETE /queues/{queue}/redrive`, {})

export const noRedrive = (queue: string): Fault<'no_redrive'> =>
  faultOf('no_redrive', `no redrive of ${quoted(queue)} runs: there is nothing to do`, {})

export const unknownMessage = (id: string): Fault<'unknown_message'> =>
  faultOf('unknown_message', `there is no message ${quoted(id)}: it was acked, dropped or never was`, {})

export const staleReceipt = (id: string): Fault<'stale_receipt'> =>
  faultOf(
    'stale_receipt',
    `this delivery of ${quoted(id)} is over, and somebody else may have the message: undo what you did, or leave it`,
    {},
  )

export const notDelivered = (id: string): Fault<'not_delivered'> =>
  faultOf('not_delivered', `${quoted(id)} was not delivered to anybody yet: consume it first`, {})

export const notScheduled = (id: string): Fault<'not_scheduled'> =>
  faultOf('not_scheduled', `${quoted(id)} is due by now, or was delivered before: it cannot be taken back`, {})

export const messageTooLarge = (field: string, bytes: number): Fault<'message_too_large'> =>
  faultOf(
    'message_too_large',
    `${field}: a message has at most ${limits.messageBytesMax} bytes, and this one has ${bytes}; nothing was carried out`,
    {
      field,
      bytes,
      bytes_max: limits.messageBytesMax,
    },
  )

export const wrongPartition = (queue: string, partition: number): Fault<'wrong_partition'> =>
  faultOf(
    'wrong_partition',
    `the partition ${partition} of ${quoted(queue)} is not there, or a key of the batch belongs to another; nothing was carried out`,
    {},
  )

interface Batch {
  readonly producer: string
  readonly sequence: number
}

export const outOfSequence = ({ producer, sequence }: Batch, expected: number): Fault<'out_of_sequence'> =>
  faultOf(
    'out_of_sequence',
    `the next batch of ${quoted(producer)} for this partition is ${expected}, and ${sequence} was sent; nothing was carried out: send them in order`,
    { expected },
  )

export const alreadyAnswered = ({ producer, sequence }: Batch): Fault<'already_answered'> =>
  faultOf(
    'already_answered',
    `the batch ${sequence} of ${quoted(producer)} was taken, and its answer is kept no more: go on with the next`,
    {},
  )

export const unknownProducer = (producer: string): Fault<'unknown_producer'> =>
  faultOf(
    'unknown_producer',
    `nothing is known of the batches of ${quoted(producer)}, which was idle for too long: begin anew under another producer_id`,
    {},
  )

/** `max` is the limit that was met. */
export function queueLimitMet<Code extends LimitCode>(code: Code, max: number, retryAfterMs = 1_000): Fault<Code> {
  // All of these have this one detail, which the compiler does not see of a code that it does not know.
  const details = { retry_after_ms: retryAfterMs } as unknown as DetailsOf<Code>
  return faultOf(code, `${limitSubjects[code]}, ${max}; nothing was carried out: try again later`, details)
}

type LimitCode = keyof typeof limitSubjects

const limitSubjects = {
  queue_full: 'the queue holds as many messages as it may',
  dedupe_full: 'as many dedupe ids are remembered as may be',
  slot_full: 'the slot holds as many messages as it can',
  in_flight_full: 'as many messages of the queue are in flight as may be',
  too_many_queues: 'there are as many queues as may be',
  too_many_partitions: 'there are as many partitions as may be',
  too_many_consumers: 'as many consumers have messages as may',
  too_many_producers: 'as many producers number their batches as may',
} as const
