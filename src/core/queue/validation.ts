import { unreachable } from '#base/assert.ts'
import type { QueueLimits } from './limits.ts'
import { byteLength, fits } from './text-size.ts'
import type { Message, PartitionRef, Produce, QueueCommand, QueueDefinition, QueueSettings } from './types.ts'

/** The field that is wrong with a command, by itself and whatever the state; null when none is. */
export function faultOf(command: QueueCommand, limits: QueueLimits): string | null {
  switch (command.type) {
    case 'configure':
      return faultOfDefinition(command.queue, limits)
    case 'produce':
      return faultOfProduce(command, limits)
    case 'consume':
      return (
        faultOfRef(command.queue, limits) ??
        faultOfName('consumer', command.consumer, limits) ??
        outside('max', command.max, 1, limits.batchMax) ??
        outside('bytesMax', command.bytesMax, 0) ??
        outside('visibilityMs', command.visibilityMs ?? 1, 1, limits.visibilityMsMax)
      )
    case 'ack':
      return faultOfItems('receipts', command.receipts, limits)
    case 'nack': {
      const { kind } = command
      const delayMs = kind.type === 'reject' ? 0 : (kind.delayMs ?? 0)
      return faultOfItems('receipts', command.receipts, limits) ?? outside('delayMs', delayMs, 0, limits.durationMsMax)
    }
    case 'extend':
      return faultOfItems('receipts', command.receipts, limits) ?? outside('visibilityMs', command.visibilityMs, 0, limits.visibilityMsMax)
    case 'cancel':
    case 'forwarded':
    case 'return':
      return faultOfItems('ids', command.ids, limits)
    case 'postpone':
      return faultOfItems('ids', command.ids, limits) ?? outside('delayMs', command.delayMs, 1, limits.durationMsMax)
    case 'release-consumer':
      return faultOfName('consumer', command.consumer, limits)
    case 'redrive':
      return (
        faultOfRef(command.queue, limits) ??
        outside('rate', command.rate ?? 1, 1, limits.redriveRateMax) ??
        outside('max', command.max ?? 1, 1)
      )
    case 'purge':
    case 'cancel-redrive':
      return faultOfRef(command.queue, limits)
    case 'delete-queue':
    case 'expire-due':
      return null
    default:
      return unreachable(command)
  }
}

function faultOfDefinition({ name, partitions, settings }: QueueDefinition, limits: QueueLimits): string | null {
  const isNamed = isQueueName(name, limits)
  return isNamed ? (outside('partitions', partitions, 1, limits.partitionsPerQueueMax) ?? faultOfSettings(settings, limits)) : 'name'
}

export function faultOfSettings(settings: QueueSettings, limits: QueueLimits): string | null {
  const { retry, deadLetterQueue } = settings
  return (
    outside('visibilityMs', settings.visibilityMs, 1, limits.visibilityMsMax) ??
    outside('maxFailures', settings.maxFailures, 0, limits.maxFailuresMax) ??
    outside('delayMs', retry.delayMs, 0, limits.durationMsMax) ??
    outside('maxMs', retry.maxMs, 0, limits.durationMsMax) ??
    outside('jitterPercent', retry.jitterPercent, 0, 100) ??
    outside('maxLength', settings.maxLength ?? 1, 1, limits.maxLengthMax) ??
    outside('ttlMs', settings.ttlMs ?? 1, 1, limits.durationMsMax) ??
    outside('dedupeWindowMs', settings.dedupeWindowMs, 0, limits.durationMsMax) ??
    (deadLetterQueue === null || isQueueName(deadLetterQueue, limits) ? null : 'deadLetterQueue')
  )
}

const control = /\p{Cc}/u

/** Any text that is not empty and has no control characters and no halves of characters; `/` and `%` are nothing special. */
export const isQueueName = (name: string, { nameBytesMax }: QueueLimits): boolean =>
  name.length > 0 && fits(name, nameBytesMax) && name.isWellFormed() && !control.test(name)

function faultOfProduce({ queue, producer, messages }: Produce, limits: QueueLimits): string | null {
  if (producer !== null && (producer.id.length === 0 || producer.sequence < 1)) return 'producer'
  if (messages.length === 0 || messages.length > limits.batchMax) return 'messages'
  let bytes = 0
  for (const message of messages) {
    const fault = faultOfMessage(message, limits)
    if (fault !== null) return fault
    bytes += message.body.length
    for (const { name, value } of message.headers) bytes += byteLength(name) + byteLength(value)
  }
  return bytes > limits.batchBytesMax ? 'messages' : faultOfRef(queue, limits)
}

function faultOfMessage({ key, dedupeId, delay, ttlMs, body }: Message, limits: QueueLimits): string | null {
  if (key === '') return 'key'
  if (dedupeId === '') return 'dedupeId'
  if (body.length > limits.bodyBytesMax) return 'body'
  if (delay.type === 'after' && delay.ms > limits.durationMsMax) return 'delayMs'
  return ttlMs === null ? null : outside('ttlMs', ttlMs, 1, limits.durationMsMax)
}

const faultOfRef = ({ partition }: PartitionRef, limits: QueueLimits): string | null =>
  outside('partition', partition, 0, limits.partitionsPerQueueMax - 1)

const faultOfName = (field: string, name: string, { nameBytesMax }: QueueLimits): string | null =>
  name.length > 0 && fits(name, nameBytesMax) ? null : field

const faultOfItems = (field: string, items: readonly unknown[], { batchMax }: QueueLimits): string | null =>
  items.length > 0 && items.length <= batchMax ? null : field

function outside(field: string, value: number, min: number, max: number = Number.MAX_SAFE_INTEGER): string | null {
  return Number.isInteger(value) && value >= min && value <= max ? null : field
}
