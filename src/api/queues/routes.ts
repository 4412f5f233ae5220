import { listing } from '#api/access/access.ts'
import { serviceErrors } from '#api/common/errors.ts'
import { json, route } from '#api/route.ts'
import type { Route } from '#api/route.ts'
import { anyOf } from '#api/schemas.ts'
import { consumeRequest, delivered, deliveredMany, nothingDelivered, streamedEvents, streamQuery } from './consume.ts'
import { queueApiLimits as limits } from './limits.ts'
import { peeked, peekQuery, scheduledQuery, scheduledView } from './messages.ts'
import { enqueued, enqueuedMany, produceRequest } from './produce.ts'
import {
  purged,
  purgeRequest,
  putQueueRequest,
  queueDeleted,
  queueDetail,
  queuePath,
  queuePut,
  queuesQuery,
  queuesView,
  redriveCancelled,
  redriven,
  redriveRequest,
} from './queues.ts'
import {
  acknowledged,
  acknowledgedMany,
  ackRequest,
  cancelled,
  cancelledMany,
  cancelRequest,
  extendMessageRequest,
  nackRequest,
  returned,
  returnedMany,
  visibilityExtended,
  visibilityExtendedMany,
} from './settle.ts'
import { queueStatus, statusQuery } from './status.ts'

const tag = 'Messages'

const ofQueue = [...serviceErrors, 'unknown_queue', 'queue_deleting'] as const
const consuming = [...ofQueue, 'in_flight_full', 'too_many_consumers'] as const
const settling = [...serviceErrors, 'unknown_message', 'stale_receipt', 'not_delivered'] as const

const carrying = {
  produce: route({
    id: 'produce',
    access: { type: 'named', role: 'produce', names: ({ queue }) => [queue] },
    method: 'POST',
    path: '/produce',
    tag,
    summary: 'Send a message, or many',
    description:
      'Answered once a majority has it on disk. A queue that is not there is created. After `unknown` the message may be in the queue: send it again with the same `dedupe_id`, and it is there once.',
    body: produceRequest,
    raw: { fields: { message: 'raw', messages: { items: { fields: { message: 'raw' } } } } },
    bodyBytesMax: limits.requestBytesMax,
    answers: [json(200, 'It is in the queue. For a list, how each of them went.', anyOf([enqueued, enqueuedMany]))],
    errors: [
      ...serviceErrors,
      'queue_deleting',
      'queue_full',
      'dedupe_full',
      'slot_full',
      'too_many_queues',
      'too_many_partitions',
      'message_too_large',
      'wrong_partition',
      'out_of_sequence',
      'already_answered',
      'unknown_producer',
      'too_many_producers',
    ],
    repeatable: false,
  }),
  consume: route({
    id: 'consume',
    access: { type: 'named', role: 'consume', names: ({ queue }) => [queue] },
    method: 'POST',
    path: '/consume',
    tag,
    summary: 'Receive messages',
    description:
      'What is delivered is invisible to others for `visibility_ms`. Ack it within that time, extend it or return it; else it is delivered again, to anybody. When the client hangs up while it waits, nothing is delivered to it.',
    body: consumeRequest,
    answers: [json(200, 'A message; with `max` a list; or nothing within `wait_ms`.', anyOf([delivered, deliveredMany, nothingDelivered]))],
    errors: consuming,
  }),
  consumeStream: route({
    id: 'consumeStream',
    access: { type: 'named', role: 'consume', names: ({ queue }) => [queue] },
    method: 'GET',
    path: '/consume/stream',
    tag,
    summary: 'Receive messages as they come',
    description:
      'Server-sent events: `message` for each delivery, and `end` when the `credit` is used up. Each is to be acked as after `POST /consume`. Open the next stream when you can take more. A comment every few seconds shows that the stream is alive.',
    query: streamQuery,
    answers: [
      {
        status: 200,
        description: 'One event after the other: its data is this.',
        content: { 'text/event-stream': anyOf(Object.values(streamedEvents)) },
      },
    ],
    errors: consuming,
    streams: true,
  }),
} as const

const settlingCalls = {
  ack: route({
    id: 'ack',
    access: { type: 'nameless', role: 'consume' },
    method: 'POST',
    path: '/ack',
    tag,
    summary: 'A message is done',
    description:
      'It is never delivered again. By its id any delivery of it will do; by a receipt only the newest. Sent again it answers `unknown_message`.',
    body: ackRequest,
    answers: [json(200, 'It is gone. For a list, how each of them went.', anyOf([acknowledged, acknowledgedMany]))],
    errors: settling,
  }),
  nack: route({
    id: 'nack',
    access: { type: 'nameless', role: 'consume' },
    method: 'POST',
    path: '/nack',
    tag,
    summary: 'Return a message',
    description: 'Only the newest delivery can be returned. Without a receipt that is known only of a message that was delivered once.',
    body: nackRequest,
    answers: [json(200, 'It is returned, or dead. For a list, how each of them went.', anyOf([returned, returnedMany]))],
    errors: settling,
  }),
  extend: route({
    id: 'extend',
    access: { type: 'nameless', role: 'consume' },
    method: 'POST',
    path: '/extend',
    tag,
    summary: 'Keep a message for longer',
    description: 'Counts from now. Only the newest delivery can be extended, and only while it lasts.',
    body: extendMessageRequest,
    answers: [json(200, 'It is yours for longer. For a list, how each of them went.', anyOf([visibilityExtended, visibilityExtendedMany]))],
    errors: settling,
  }),
  cancel: route({
    id: 'cancel',
    access: { type: 'nameless', role: 'produce' },
    method: 'POST',
    path: '/cancel',
    tag,
    summary: 'Take back a message that is not due',
    body: cancelRequest,
    answers: [json(200, 'It will not be delivered. For a list, how each of them went.', anyOf([cancelled, cancelledMany]))],
    errors: [...serviceErrors, 'unknown_message', 'not_scheduled'],
  }),
} as const

const keeping = {
  putQueue: route({
    id: 'putQueue',
    access: {
      type: 'named',
      role: 'admin',
      names: ({ queue, dead_letter_queue: target = null }) => (target === null ? [queue] : [queue, target]),
    },
    method: 'PUT',
    path: '/queues/{queue}',
    tag: 'Queues',
    summary: 'Create a queue, or change its settings',
    description: 'What is left out stays as it is. A `/` in the name is written `%2F`.',
    params: queuePath,
    body: putQueueRequest,
    answers: [json(200, 'There was one, and it is set so.', queuePut), json(201, 'It is created.', queuePut)],
    errors: [
      ...serviceErrors,
      'queue_deleting',
      'partitions_fixed',
      'stale_revision',
      'dead_letter_cycle',
      'too_many_queues',
      'too_many_partitions',
    ],
  }),
  deleteQueue: route({
    id: 'deleteQueue',
    access: { type: 'named', role: 'admin', names: ({ queue }) => [queue] },
    method: 'DELETE',
    path: '/queues/{queue}',
    tag: 'Queues',
    summary: 'Delete a queue with all its messages',
    params: queuePath,
    answers: [json(200, 'Nothing of it is left anywhere.', queueDeleted)],
    errors: [...serviceErrors, 'unknown_queue'],
    repeatable: false,
  }),
  purge: route({
    id: 'purge',
    access: { type: 'named', role: 'admin', names: ({ queue }) => [queue] },
    method: 'POST',
    path: '/queues/{queue}/purge',
    tag: 'Queues',
    summary: 'Drop all messages of a queue',
    description: 'Ready, delayed and in flight; the dead only with `dead`. The dedupe window is cleared.',
    params: queuePath,
    body: purgeRequest,
    answers: [json(200, 'They are gone.', purged)],
    errors: ofQueue,
    repeatable: false,
  }),
  redrive: route({
    id: 'redrive',
    access: { type: 'named', role: 'admin', names: ({ queue }) => [queue] },
    method: 'POST',
    path: '/queues/{queue}/redrive',
    tag: 'Queues',
    summary: 'Give dead letters another chance',
    params: queuePath,
    body: redriveRequest,
    answers: [json(200, 'It runs, or is done already.', redriven)],
    errors: [...ofQueue, 'redrive_active'],
  }),
  cancelRedrive: route({
    id: 'cancelRedrive',
    access: { type: 'named', role: 'admin', names: ({ queue }) => [queue] },
    method: 'DELETE',
    path: '/queues/{queue}/redrive',
    tag: 'Queues',
    summary: 'Stop a redrive',
    description: 'What it has moved stays moved.',
    params: queuePath,
    answers: [json(200, 'It runs no more.', redriveCancelled)],
    errors: [...ofQueue, 'no_redrive'],
  }),
} as const

const looking = {
  queues: route({
    id: 'queues',
    access: listing,
    method: 'GET',
    path: '/queues',
    tag: 'Looking',
    summary: 'All queues, page by page',
    query: queuesQuery,
    answers: [json(200, 'A page of them.', queuesView)],
    errors: serviceErrors,
  }),
  queue: route({
    id: 'queue',
    access: { type: 'named', role: null, names: ({ queue }) => [queue] },
    method: 'GET',
    path: '/queues/{queue}',
    tag: 'Looking',
    summary: 'One queue, its settings and partitions',
    params: queuePath,
    answers: [json(200, 'How it is set, and how it fares.', queueDetail)],
    errors: [...serviceErrors, 'unknown_queue'],
  }),
  peek: route({
    id: 'peek',
    access: { type: 'named', role: 'consume', names: ({ queue }) => [queue] },
    method: 'GET',
    path: '/queues/{queue}/peek',
    tag: 'Looking',
    summary: 'Messages, without receiving them',
    description: 'Nothing is delivered, counted or changed.',
    params: queuePath,
    query: peekQuery,
    answers: [json(200, 'A page of them.', peeked)],
    errors: ofQueue,
  }),
  scheduled: route({
    id: 'scheduled',
    access: { type: 'named', role: 'consume', names: ({ queue }) => [queue] },
    method: 'GET',
    path: '/queues/{queue}/scheduled',
    tag: 'Looking',
    summary: 'Messages that are not due yet',
    description: 'Those with a delay or an instant, and those that wait for their next try.',
    params: queuePath,
    query: scheduledQuery,
    answers: [json(200, 'A page of them.', scheduledView)],
    errors: ofQueue,
  }),
  status: route({
    id: 'status',
    access: listing,
    method: 'GET',
    path: '/status',
    tag: 'Looking',
    summary: 'The ring, the queues and the storage',
    query: statusQuery,
    answers: [json(200, 'The whole service, with a page of its queues.', queueStatus)],
    errors: serviceErrors,
  }),
} as const

/** The calls of the queue service. */
export const queueRoutes = { ...carrying, ...settlingCalls, ...keeping, ...looking } as const satisfies Readonly<Record<string, Route>>
