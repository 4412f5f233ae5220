import { queueLimits } from '#core/queue/limits.ts'
import { byteLength } from '#core/queue/text-size.ts'
import { isQueueName } from '#core/queue/validation.ts'
import type { ClientProtocol } from './client-protocol.ts'
import type { Place } from './client-message.ts'
import { wireLimits } from './limits.ts'
import { queueClientLimits as limits } from './queue-client-limits.ts'
import type {
  DeadLetterSource,
  DeliveredMessage,
  MessageHeader,
  ProducedItem,
  ProducerBatch,
  QueueClientMessage,
  QueueLook,
  QueueOrder,
  QueueServerMessage,
  SeenMessage,
  SentMessage,
  SettingsChange,
  SettledItem,
  SlotLeader,
} from './queue-client-message.ts'
import { Malformed } from './reader.ts'
import type { Schema } from './schema.ts'
import { boolean, bytes, list, nullable, string, struct, uint, union, word } from './schema.ts'

/**
 * How the messages between clients of the queues and nodes travel (docs/wire.md). Tags and fields of a released protocol version keep their
 * meaning. What a client sends is within the limits of the API, or it is malformed: the library checks before it sends.
 */

/** Read only when the check passes. */
const checked = <T>(schema: Schema<T>, isRight: (value: T) => boolean, wrong: string): Schema<T> => ({
  write: (writer, value) => schema.write(writer, value),
  read(reader) {
    const value = schema.read(reader)
    if (!isRight(value)) throw new Malformed(wrong)
    return value
  },
})

const atMost = (max: number): Schema<string> => checked(string(), (text) => byteLength(text) <= max, 'text too long')
const name = checked(atMost(queueLimits.nameBytesMax), (text) => text !== '', 'empty name')
const queueName = checked(string(), (text) => isQueueName(text, queueLimits), 'no name of a queue')
const integer = (min: number, max: number): Schema<number> => checked(uint(max), (value) => value >= min, 'integer out of range')
const some = <T>(schema: Schema<T>, max: number): Schema<readonly T[]> =>
  checked(list(schema, max), ({ length }) => length > 0, 'empty list')

const duration = uint(queueLimits.durationMsMax)
const visibility = integer(1, queueLimits.visibilityMsMax)
const priority = uint(queueLimits.priorityMax)
const header = struct<MessageHeader>({ name, value: atMost(queueLimits.headerValueBytesMax) })
const headers = checked(
  list(header, queueLimits.headersMax),
  (all) => new Set(all.map((each) => each.name)).size === all.length,
  'a header twice',
)
const body = checked(bytes, ({ length }) => length > 0 && length <= queueLimits.bodyBytesMax, 'no body')

const sentMessage = struct<SentMessage>({
  key: nullable(name),
  priority,
  delayMs: duration,
  deliverAt: nullable(uint()),
  ttlMs: nullable(integer(1, queueLimits.durationMsMax)),
  dedupeId: nullable(name),
  headers,
  body,
})

/** At least what it takes in the log. */
const sizeOf = ({ key, dedupeId, headers: all, body: { length } }: SentMessage): number =>
  all.reduce(
    (sum, each) => sum + 8 + byteLength(each.name) + byteLength(each.value),
    64 + length + byteLength(key ?? '') + byteLength(dedupeId ?? ''),
  )

const sentMessages = checked(
  some(sentMessage, queueLimits.batchMax),
  (messages) => messages.reduce((sum, each) => sum + sizeOf(each), 1_024) <= queueLimits.batchBytesMax,
  'too many bytes',
)

const producer = struct<ProducerBatch>({
  id: name,
  partition: uint(queueLimits.partitionsPerQueueMax - 1),
  sequence: integer(1, Number.MAX_SAFE_INTEGER),
})

const change = struct<SettingsChange>({
  visibilityMs: nullable(visibility),
  maxFailures: nullable(uint(queueLimits.maxFailuresMax)),
  expiryFails: nullable(boolean),
  growth: nullable(word({ fixed: 0, exponential: 1 })),
  delayMs: nullable(duration),
  maxMs: nullable(duration),
  jitterPercent: nullable(uint(100)),
  deadLetterQueue: nullable(list(queueName, 1)),
  maxLength: nullable(list(integer(1, queueLimits.maxLengthMax), 1)),
  overflow: nullable(word({ reject: 0, 'drop-head': 1 })),
  ttlMs: nullable(list(integer(1, queueLimits.durationMsMax), 1)),
  dedupeWindowMs: nullable(duration),
  paused: nullable(boolean),
})

const redriveFrom = word<'dead' | 'ready'>({ dead: 0, ready: 1 })
const order = union<QueueOrder>({
  put: [
    1,
    {
      queue: queueName,
      partitions: nullable(integer(1, queueLimits.partitionsPerQueueMax)),
      ifRevision: nullable(uint()),
      change,
    },
  ],
  delete: [2, { queue: queueName }],
  purge: [3, { queue: queueName, dead: boolean }],
  redrive: [
    4,
    {
      queue: queueName,
      from: redriveFrom,
      rate: nullable(integer(1, queueLimits.redriveRateMax)),
      max: nullable(integer(1, Number.MAX_SAFE_INTEGER)),
    },
  ],
  'cancel-redrive': [5, { queue: queueName }],
})

/** Whether it may be where a page of messages ends. */
export const isPlace = (text: string): boolean => text.length <= limits.placeBytesMax && /^[A-Za-z0-9_.-]+$/.test(text)
const place = checked(string(), isPlace, 'no place')
const look = union<QueueLook>({
  queue: [1, { queue: queueName }],
  queues: [2, { prefix: atMost(queueLimits.nameBytesMax), after: nullable(name), limit: integer(1, limits.pageMax) }],
  messages: [
    3,
    {
      queue: queueName,
      which: word({ ready: 0, 'in-flight': 1, dead: 2, scheduled: 3 }),
      after: nullable(place),
      limit: integer(1, limits.messagesPageMax),
    },
  ],
})

const receipt = checked(atMost(limits.receiptBytesMax), (text) => receiptForm.test(text), 'no receipt')
const receiptForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.[1-9][0-9]{0,14}$/
const receipts = some(receipt, queueLimits.batchMax)

const clientMessage = union<QueueClientMessage>({
  locate: [1, { call: uint(), queue: queueName, create: boolean, fresh: boolean }],
  produce: [2, { call: uint(), queue: queueName, producer, messages: sentMessages }],
  consume: [
    3,
    {
      call: uint(),
      queue: queueName,
      consumer: name,
      max: integer(1, queueLimits.batchMax),
      waitMs: uint(limits.waitMsMax),
      visibilityMs: visibility,
    },
  ],
  leave: [4, { call: uint() }],
  ack: [5, { call: uint(), receipts }],
  nack: [6, { call: uint(), receipts, kind: word({ release: 0, fail: 1, reject: 2 }), delayMs: nullable(duration) }],
  extend: [7, { call: uint(), receipts, visibilityMs: visibility }],
  manage: [8, { call: uint(), order }],
  look: [9, { call: uint(), question: look }],
})

const refused = { code: string(), message: string() }
const producedItem = union<ProducedItem>({ enqueued: [1, { id: string(), duplicate: boolean }], refused: [2, refused] })
const settledItem = union<SettledItem>({
  done: [1, { status: word({ acknowledged: 0, returned: 1, dead: 2, extended: 3 }) }],
  refused: [2, refused],
})

const deadLetter = struct<DeadLetterSource>({
  queue: string(),
  id: string(),
  reason: word({ failures: 0, rejected: 1 }),
  deliveries: uint(),
  failures: uint(),
})

const told = {
  id: string(),
  deliveries: uint(),
  failures: uint(),
  enqueuedAt: string(),
  priority,
  key: nullable(string()),
  headers: list(struct<MessageHeader>({ name: string(), value: string() }), queueLimits.headersMax),
}
const delivered = struct<DeliveredMessage>({ ...told, deadLetter: nullable(deadLetter), body: bytes })
const seen = struct<SeenMessage>({
  ...told,
  partition: uint(),
  consumer: nullable(string()),
  until: nullable(string()),
  unreadable: boolean,
  body: bytes,
})

const slotLeader = struct<SlotLeader>({ slot: uint(), node: nullable(string()) })
const member = struct<Place>({ node: string(), address: string() })

const serverMessage = union<QueueServerMessage>({
  located: [1, { call: uint(), partitions: uint(), slots: uint(), visibilityMs: uint() }],
  produced: [2, { call: uint(), results: list(producedItem, queueLimits.batchMax) }],
  delivered: [3, { call: uint(), paused: boolean, messages: list(delivered, queueLimits.batchMax) }],
  settled: [4, { call: uint(), results: list(settledItem, queueLimits.batchMax) }],
  view: [5, { call: uint(), view: bytes }],
  messages: [6, { call: uint(), messages: list(seen, limits.messagesPageMax), next: nullable(string()) }],
  failed: [7, { call: uint(), code: string(), message: string(), retryAfterMs: nullable(uint()) }],
  leaders: [8, { leaders: list(slotLeader, limits.slotsMax), members: list(member, wireLimits.membersMax) }],
  going: [9, {}],
})

export const queueClients: ClientProtocol<QueueClientMessage, QueueServerMessage> = {
  service: 'queue',
  fromClient: clientMessage,
  fromNode: serverMessage,
  longFromClient: true,
}
