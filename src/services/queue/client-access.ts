import { unreachable } from '#base/assert.ts'
import type { Fault } from '#api/errors.ts'
import type { Caller, Demand } from '#core/access/types.ts'
import type { AccessControl } from '#services/access/access-control.ts'
import type { Admitted } from '#services/access/guarded-clients.ts'
import type { QueueClientMessage, QueueLook, QueueOrder, QueueServerMessage } from '#wire/queue-client-message.ts'

/** What the messages of clients need, as the calls of the API do. */
export function admitQueueMessage(
  message: QueueClientMessage,
  caller: Caller,
  control: AccessControl,
): Admitted<QueueClientMessage, QueueServerMessage> {
  // It ends a wait of its own.
  if (message.type === 'leave') return { type: 'passed', message }
  const fault = control.limit(caller) ?? control.deny(caller, [demandOf(message)])
  if (fault !== null) return refused(message, fault)
  if (message.type !== 'look' || message.question.type !== 'queues') return { type: 'passed', message }
  const narrowed = control.narrow(caller, null, message.question.prefix)
  if (!narrowed.ok) return refused(message, narrowed.error)
  return { type: 'passed', message: { ...message, question: { ...message.question, prefix: narrowed.value } } }
}

type Counted = Exclude<QueueClientMessage, { readonly type: 'leave' }>

function refused(message: Counted, fault: Fault<'forbidden' | 'rate_limited'>): Admitted<QueueClientMessage, QueueServerMessage> {
  const { code, message: said } = fault
  const retryAfterMs = fault.code === 'rate_limited' ? fault.details.retry_after_ms : null
  const answer = { type: 'failed', call: message.call, code, message: said, retryAfterMs } as const
  return { type: 'refused', fault, answer, action: message.type === 'manage' ? attemptOf(message.order) : null }
}

const actions: Readonly<Record<QueueOrder['type'], string>> = {
  put: 'putQueue',
  delete: 'deleteQueue',
  purge: 'purge',
  redrive: 'redrive',
  'cancel-redrive': 'cancelRedrive',
}

const attemptOf = (order: QueueOrder) => ({ id: actions[order.type], names: namesOf(order) })

function demandOf(message: Counted): Demand {
  switch (message.type) {
    case 'locate':
      return { role: message.create ? 'produce' : null, names: [message.queue] }
    case 'produce':
      return { role: 'produce', names: [message.queue] }
    case 'consume':
      return { role: 'consume', names: [message.queue] }
    case 'ack':
    case 'nack':
    case 'extend':
      return { role: 'consume', names: [] }
    case 'manage':
      return { role: 'admin', names: namesOf(message.order) }
    case 'look':
      return demandOfLook(message.question)
    default:
      return unreachable(message)
  }
}

function demandOfLook(question: QueueLook): Demand {
  switch (question.type) {
    case 'queues':
      return { role: null, names: [] }
    case 'queue':
      return { role: null, names: [question.queue] }
    case 'messages':
      return { role: 'consume', names: [question.queue] }
    default:
      return unreachable(question)
  }
}

const namesOf = (order: QueueOrder): readonly string[] =>
  order.type === 'put' ? [order.queue, ...(order.change.deadLetterQueue ?? [])] : [order.queue]
