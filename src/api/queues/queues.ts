import { Type } from '#api/type.ts'
import { nodeId } from '#api/common/words.ts'
import { boolean, closed, count, durationMs, integer, leftMs, listOf, literal, nullable, oneOf, optional, text } from '#api/schemas.ts'
import type { Data } from '#api/schemas.ts'
import { queueApiLimits as limits, queueDefaults as defaults } from './limits.ts'
import { queueName } from './words.ts'

/** `/queues`: which there are, how they are set, and how they fare. */

export const queuePath = closed({ queue: queueName })
export type QueuePath = Data<typeof queuePath>

const retryFields = {
  growth: oneOf(['fixed', 'exponential'], { description: 'Whether the delay doubles with each failure.' }),
  delay_ms: durationMs(0, limits.durationMsMax, { description: 'After the first failure.' }),
  max_ms: durationMs(0, limits.durationMsMax, { description: 'Where doubling ends.' }),
  jitter_percent: integer(0, 100, { description: 'Up to so much is taken off, differently for each message and failure.' }),
}
const settingFields = {
  visibility_ms: durationMs(1, limits.visibilityMsMax, { description: 'For how long nobody else gets what was delivered.' }),
  max_failures: integer(0, limits.maxFailuresMax, { description: 'A message that has failed so often is dead; 0: never.' }),
  expiry_fails: boolean({ description: 'Whether a delivery that was not acked in time counts as a failure.' }),
  dead_letter_queue: nullable({ ...queueName, description: 'Where the dead are moved to; null: they stay in this queue, aside.' }),
  max_length: nullable(
    integer(1, limits.maxLengthMax, { description: 'Of each partition, all but the dead; null: as many as there is room for.' }),
  ),
  overflow: oneOf(['reject', 'drop-head'], {
    description: 'What a full partition does: refuses what is new, or drops its oldest message that is not in flight.',
  }),
  ttl_ms: nullable(
    durationMs(1, limits.durationMsMax, { description: 'Of messages that do not say: dropped so long after they were due; null: never.' }),
  ),
  dedupe_window_ms: durationMs(0, limits.durationMsMax, { description: 'How long a `dedupe_id` is remembered.' }),
  paused: boolean({ description: 'Messages are taken, and none is delivered.' }),
}

const queueSettings = closed({ ...settingFields, retry: closed(retryFields, { title: 'Retry' }) }, { title: 'QueueSettings' })
export type QueueSettings = Data<typeof queueSettings>

export const putQueueRequest = closed(
  {
    partitions: optional(
      integer(1, limits.partitionsMax, {
        default: defaults.partitions,
        description: 'Fixed when the queue is created. One is first in, first out; with more, only messages of one key are in order.',
      }),
    ),
    ...Type.Partial(Type.Object(settingFields)).properties,
    retry: optional(Type.Partial(Type.Object(retryFields), { additionalProperties: false, title: 'RetryChange' })),
    if_revision: optional(count({ description: 'Only if its `revision` is this; 0: only if there is no such queue.' })),
  },
  { title: 'PutQueueRequest' },
)
export type PutQueueRequest = Data<typeof putQueueRequest>

export const queuePut = closed(
  {
    status: oneOf(['created', 'changed'], { description: '`changed` also when nothing differs.' }),
    queue: queueName,
    partitions: integer(1, limits.partitionsMax),
    revision: count({ description: 'Grows with every change of a queue.' }),
    settings: queueSettings,
  },
  { title: 'QueuePut' },
)
export type QueuePut = Data<typeof queuePut>

export const queueDeleted = closed({ status: literal('deleted'), queue: queueName }, { title: 'QueueDeletedAnswer' })
export type QueueDeleted = Data<typeof queueDeleted>

export const purgeRequest = closed({ dead: optional(boolean({ default: false, description: 'The dead too.' })) }, { title: 'PurgeRequest' })
export type PurgeRequest = Data<typeof purgeRequest>
export const purged = closed(
  { status: literal('purged'), queue: queueName, count: count({ description: 'Messages dropped.' }) },
  { title: 'Purged' },
)
export type Purged = Data<typeof purged>

const redriveFrom = oneOf(['dead', 'ready'], {
  default: defaults.redrive_from,
  description:
    '`dead`: the dead of this queue are made ready again. `ready`: what is ready here, in a queue of dead letters, goes back to the queues it came from.',
})
export const redriveRequest = closed(
  {
    from: optional(redriveFrom),
    rate: optional(integer(1, limits.redriveRateMax, { description: 'Messages per second. Left out: as fast as it goes.' })),
    max: optional(integer(1, Number.MAX_SAFE_INTEGER, { description: 'Up to so many. Left out: all that are there when it begins.' })),
  },
  { title: 'RedriveRequest' },
)
export type RedriveRequest = Data<typeof redriveRequest>
const moved = count({ description: 'Messages moved so far.' })
export const redriven = closed({ status: oneOf(['started', 'done']), queue: queueName, moved }, { title: 'Redriven' })
export type Redriven = Data<typeof redriven>
export const redriveCancelled = closed({ status: literal('cancelled'), queue: queueName, moved }, { title: 'RedriveCancelled' })
export type RedriveCancelled = Data<typeof redriveCancelled>

const counts = {
  ready: count({ description: 'Waiting to be delivered, those behind others of their key included.' }),
  in_flight: count({ description: 'Delivered, and neither acked nor returned.' }),
  delayed: count({ description: 'Not due yet, by their delay or until their next try.' }),
  dead: count({ description: 'Dead, and staying here.' }),
  dead_pending: count({ description: 'On their way to another queue, which does not have them yet.' }),
  oldest_age_ms: nullable(leftMs({ description: 'Of the oldest message that is not settled; null when there is none.' })),
}
const rate = Type.Number({ minimum: 0, description: 'Messages per second, over the last ten.' })
const redrive = nullable(
  closed({ from: oneOf(['dead', 'ready']), moved }, { title: 'RunningRedrive', description: 'Null when none runs.' }),
)
const consumerView = closed(
  {
    consumer_id: Type.String(),
    in_flight: count(),
    waiting: boolean({ description: 'A call of it waits for a message now.' }),
  },
  { title: 'ConsumerView' },
)

const queueFields = {
  queue: queueName,
  revision: count(),
  partitions: integer(1, limits.partitionsMax),
  paused: boolean(),
  ...counts,
  lag: count({ description: 'How far its consumers are behind: what is ready, and what is in flight.' }),
  rates: closed({ enqueued: rate, delivered: rate, acknowledged: rate }, { title: 'QueueRates' }),
  redrive,
  consumer_count: count({ description: 'Those that have messages, or wait for one.' }),
  consumers: listOf(consumerView, { maxItems: limits.consumersMax, description: 'The first few.' }),
}

const queueView = closed(queueFields, { title: 'QueueView' })
export type QueueView = Data<typeof queueView>

export const queuesQuery = closed({
  prefix: optional(text(limits.nameBytesMax, { description: 'Only queues whose name begins so.' })),
  after: optional(text(limits.nameBytesMax, { description: 'Go on behind this queue: `next` of the page before.' })),
  limit: optional(integer(1, limits.pageMax, { default: defaults.page, description: 'How many to list.' })),
})
export type QueuesQuery = Data<typeof queuesQuery>

/** Of a list of queues that some leaders were to tell of. */
export const pageFields = {
  queues: listOf(queueView, { maxItems: limits.pageMax, description: 'By name, in the order of UTF-16 code units.' }),
  next: nullable(Type.String({ description: 'Give it as `after` for the next page; null: this is the last one.' })),
  missing_slots: listOf(integer(0, 65_535), {
    maxItems: limits.slotsMax,
    description: 'Slots whose leader could not be asked: what they hold is not counted.',
  }),
}

export const queuesView = closed({ node_id: nodeId, ...pageFields }, { title: 'QueuesView' })
export type QueuesView = Data<typeof queuesView>

const partitionView = closed(
  {
    partition: integer(0, limits.partitionsMax - 1),
    slot: integer(0, 65_535),
    leader: nullable({ ...nodeId, description: 'Null when none could be asked; its counts are 0 then.' }),
    ...counts,
    redrive,
  },
  { title: 'PartitionView' },
)

export const queueDetail = closed(
  {
    node_id: nodeId,
    ...queueFields,
    settings: queueSettings,
    partition_list: listOf(partitionView, { maxItems: limits.partitionsMax }),
    missing_slots: pageFields.missing_slots,
  },
  { title: 'QueueDetail' },
)
export type QueueDetail = Data<typeof queueDetail>
