import { queueFull } from '#api/common/errors.ts'
import type { ErrorEntry } from '#api/error-entry.ts'
import { none, retryLater } from '#api/error-entry.ts'
import { count, text } from '#api/schemas.ts'

/** Errors of the queue service. */
export const queueErrors = {
  unknown_queue: {
    status: 404,
    retryable: false,
    summary: 'There is no queue of that name. It is created by its first message, or by `PUT /queues/{queue}`.',
    details: none,
  },
  queue_deleting: {
    status: 503,
    retryable: true,
    summary: 'The queue is being deleted. When that is done its name is free. Nothing was carried out.',
    details: retryLater,
  },
  partitions_fixed: {
    status: 409,
    retryable: false,
    summary: 'There is a queue of that name with another number of partitions, which never changes. Make another queue.',
    details: { partitions: count({ description: 'That it has.' }) },
  },
  stale_revision: {
    status: 409,
    retryable: false,
    summary: 'The queue is not as `if_revision` says. Read it again.',
    details: { revision: count({ description: 'That it has; 0: there is no such queue.' }) },
  },
  dead_letter_cycle: {
    status: 409,
    retryable: false,
    summary: 'The dead letters of a queue would come back to it.',
    details: none,
  },
  redrive_active: { status: 409, retryable: false, summary: 'A redrive of the queue runs already. Cancel it first.', details: none },
  no_redrive: { status: 409, retryable: false, summary: 'No redrive of the queue runs.', details: none },
  unknown_message: {
    status: 404,
    retryable: false,
    summary: 'There is no message of that id: it was acked, dropped or never was.',
    details: none,
  },
  stale_receipt: {
    status: 409,
    retryable: false,
    summary: 'That delivery is over: its time ran out, or it was returned. Somebody else may have the message.',
    details: none,
  },
  not_delivered: { status: 409, retryable: false, summary: 'The message was not delivered to anybody yet.', details: none },
  not_scheduled: { status: 409, retryable: false, summary: 'The message is due, or was delivered before.', details: none },
  message_too_large: {
    status: 413,
    retryable: false,
    summary: 'A message has more bytes than one may have. Nothing was carried out.',
    details: { field: text(64), bytes: count(), bytes_max: count() },
  },
  wrong_partition: {
    status: 409,
    retryable: false,
    summary: 'The queue has no such partition, or a key of the batch belongs to another. Nothing was carried out.',
    details: none,
  },
  out_of_sequence: {
    status: 409,
    retryable: false,
    summary: 'A batch of that producer before this one was not taken. Nothing was carried out. Send from `expected` on, in order.',
    details: { expected: count() },
  },
  already_answered: {
    status: 409,
    retryable: false,
    summary: 'The batch of that number was taken, so long ago that its answer is kept no more.',
    details: none,
  },
  unknown_producer: {
    status: 409,
    retryable: false,
    summary: 'The producer was idle for so long that its numbers are forgotten: what became of its last batch is unknown for good.',
    details: none,
  },
  queue_full: queueFull,
  dedupe_full: { status: 429, retryable: true, summary: 'As many ids are remembered in the dedupe window as may be.', details: retryLater },
  slot_full: { status: 429, retryable: true, summary: 'The slot holds as many messages as it can.', details: retryLater },
  in_flight_full: { status: 429, retryable: true, summary: 'As many messages of the queue are in flight as may be.', details: retryLater },
  too_many_queues: { status: 429, retryable: true, summary: 'There are as many queues as may be.', details: retryLater },
  too_many_partitions: { status: 429, retryable: true, summary: 'There are as many partitions as may be.', details: retryLater },
  too_many_consumers: { status: 429, retryable: true, summary: 'As many consumers have messages as may.', details: retryLater },
  too_many_producers: { status: 429, retryable: true, summary: 'As many producers number their batches as may.', details: retryLater },
} as const satisfies Readonly<Record<string, ErrorEntry>>
