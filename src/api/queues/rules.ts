import type { Fault } from '#api/errors.ts'
import { faultOf } from '#api/errors.ts'
import { messageTooLarge } from './faults.ts'
import { queueApiLimits as limits } from './limits.ts'
import type { ProducedMessage, ProduceRequest } from './produce.ts'
import { refOfReceipt } from './receipt.ts'
import type { AckRequest, CancelRequest, NackRequest } from './settle.ts'

/** What a schema of one field at a time cannot say. Null when nothing is wrong. */

const invalid = (field: string, what: string): Fault => faultOf('invalid_request', `${field}: ${what}`, { field })

/** Fields that belong to a message, so that beside a list of messages nobody could tell what they mean. */
const messageFields = ['key', 'delay_ms', 'deliver_at', 'priority', 'ttl_ms', 'dedupe_id', 'message_id', 'headers'] as const

export function faultOfProduce(request: ProduceRequest): Fault | null {
  const { message, messages, ...rest } = request
  if (messages === undefined) {
    return message === undefined
      ? invalid('message', 'is missing: expected is any JSON, or a list in `messages`')
      : faultOfMessage({ message, ...rest }, '')
  }
  if (message !== undefined) return invalid('message', 'expected is this or `messages`, and both were sent: send one of them')
  const stray = messageFields.find((field) => request[field] !== undefined)
  if (stray !== undefined) return invalid(stray, 'it belongs to a message, and there is a list of them: put it into each of `messages`')
  for (const [at, each] of messages.entries()) {
    const fault = faultOfMessage(each, `messages[${at}].`)
    if (fault !== null) return fault
  }
  return null
}

function faultOfMessage(produced: ProducedMessage, where: string): Fault | null {
  const { message, message_id: ownId, headers = {} } = produced
  if (message.length > limits.messageBytesMax) return messageTooLarge(`${where}message`, message.length)
  if (ownId !== undefined) {
    if (Object.hasOwn(headers, 'message_id'))
      return invalid(`${where}headers`, '`message_id` becomes the header of that name, and there is one: leave it out')
    if (Object.keys(headers).length >= limits.headersMax)
      return invalid(`${where}headers`, `expected are at most ${limits.headersMax} with that of \`message_id\``)
  }
  return faultOfDue(produced, where)
}

function faultOfDue({ delay_ms: delayMs, deliver_at: deliverAt }: ProducedMessage, where: string): Fault | null {
  if (deliverAt === undefined) return null
  if (delayMs !== undefined) return invalid(`${where}deliver_at`, 'expected is this or `delay_ms`, and both were sent: send one of them')
  return Number.isNaN(Date.parse(deliverAt)) ? invalid(`${where}deliver_at`, 'expected is an instant, as 2026-01-31T12:00:00Z') : null
}

const whichFields = ['message_id', 'receipt', 'message_ids', 'receipts'] as const

/** Of an ack, a nack or an extension. */
export function faultOfWhich(request: AckRequest): Fault | null {
  const named = whichFields.filter((field) => request[field] !== undefined)
  const [first, second] = named
  if (first === undefined) return invalid('message_id', 'is missing: expected is `message_id`, `receipt`, `message_ids` or `receipts`')
  const { message_id: id, receipt } = request
  if (id !== undefined && receipt !== undefined && named.length === 2) {
    const { message_id: meant } = refOfReceipt(receipt)
    return meant === id.toLowerCase()
      ? null
      : invalid('receipt', `it is not one of the message ${JSON.stringify(id)}: leave one of the two out`)
  }
  return second === undefined
    ? null
    : invalid(second, `expected is one way to name messages, and \`${first}\` was sent too: send one of them`)
}

export function faultOfNack(request: NackRequest): Fault | null {
  if (request.kind === 'reject' && request.delay_ms !== undefined) {
    return invalid('delay_ms', 'what is rejected is dead, and not delivered again: leave it out')
  }
  return faultOfWhich(request)
}

export function faultOfCancel({ message_id: id, message_ids: ids }: CancelRequest): Fault | null {
  if (id === undefined && ids === undefined) return invalid('message_id', 'is missing: expected is `message_id` or `message_ids`')
  return id === undefined || ids === undefined
    ? null
    : invalid('message_ids', 'expected is this or `message_id`, and both were sent: send one of them')
}
