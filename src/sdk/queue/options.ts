import { isQueueName } from '#core/queue/validation.ts'
import { queueLimits } from '#core/queue/limits.ts'
import { byteLength } from '#core/queue/text-size.ts'
import { LockstepError } from '#sdk/errors.ts'
import { invalid } from '#sdk/options.ts'
import { isPlace } from '#wire/queue-client-codec.ts'
import type { MessageHeader, SentMessage } from '#wire/queue-client-message.ts'

/** How one message is sent. */
export interface SendOptions {
  /** At most one message of a key is in flight, and they are delivered in the order in which they were sent. */
  readonly key?: string | undefined
  /** Delivers it so much later, in milliseconds. */
  readonly delayMs?: number | undefined
  /** Delivers it at that time instead, by the clock of the service. */
  readonly deliverAt?: Date | undefined
  /** 0 (default) to 9: higher first. */
  readonly priority?: number | undefined
  /** Drops it when it was not delivered for so long after it was due, in milliseconds. */
  readonly ttlMs?: number | undefined
  /** A second message of this id is not taken, within the window of the queue: the answer is the id of the first. */
  readonly dedupeId?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** One of a batch. */
export interface SendItem<T> extends SendOptions {
  readonly payload: T
}

const encoder = new TextEncoder()

/** The message as it travels; throws `invalid_request` or `message_too_large` for what the service would not take. */
export function messageOf(payload: unknown, options: SendOptions): SentMessage {
  const { key, delayMs = 0, deliverAt, priority = 0, ttlMs, dedupeId } = options
  if (key !== undefined) checkName('key', key)
  if (dedupeId !== undefined) checkName('dedupeId', dedupeId)
  checkInteger('delayMs', delayMs, 0, queueLimits.durationMsMax)
  checkInteger('priority', priority, 0, queueLimits.priorityMax)
  if (ttlMs !== undefined) checkInteger('ttlMs', ttlMs, 1, queueLimits.durationMsMax)
  if (deliverAt !== undefined && (Number.isNaN(deliverAt.getTime()) || delayMs !== 0)) throw invalid('deliverAt', 'a date, without delayMs')
  return {
    key: key ?? null,
    priority,
    delayMs,
    deliverAt: deliverAt === undefined ? null : Math.max(0, deliverAt.getTime()),
    ttlMs: ttlMs ?? null,
    dedupeId: dedupeId ?? null,
    headers: headersOf(options.headers ?? {}),
    body: bodyOf(payload),
  }
}

function bodyOf(payload: unknown): Uint8Array {
  // Undefined for what has no JSON, whatever the types of the library say.
  const json = jsonOf(payload)
  if (json === undefined) throw invalid('payload', 'something that has JSON')
  const body = encoder.encode(json)
  if (body.length > queueLimits.bodyBytesMax) {
    throw new LockstepError(
      'message_too_large',
      `a message has at most ${queueLimits.bodyBytesMax} bytes of JSON, and this one ${body.length}`,
    )
  }
  return body
}

function jsonOf(payload: unknown): string | undefined {
  try {
    return JSON.stringify(payload)
  } catch (error) {
    throw new LockstepError('invalid_request', 'payload must be something that has JSON', { cause: error })
  }
}

function headersOf(headers: Readonly<Record<string, string>>): readonly MessageHeader[] {
  const all = Object.entries(headers).map(([name, value]) => ({ name, value }))
  if (all.length > queueLimits.headersMax) throw invalid('headers', `at most ${queueLimits.headersMax}`)
  for (const { name, value } of all) {
    checkName('headers', name)
    if (typeof value !== 'string' || byteLength(value) > queueLimits.headerValueBytesMax) {
      throw invalid(`headers.${name}`, `a text of at most ${queueLimits.headerValueBytesMax} bytes`)
    }
  }
  return all
}

export function checkQueueName(name: string): void {
  if (typeof name !== 'string' || !isQueueName(name, queueLimits)) {
    throw invalid('name', `a text of 1 to ${queueLimits.nameBytesMax} bytes without control characters`)
  }
}

export function checkName(field: string, name: string): void {
  const isRight = typeof name === 'string' && name !== '' && name.isWellFormed() && byteLength(name) <= queueLimits.nameBytesMax
  if (!isRight) throw invalid(field, `a text of 1 to ${queueLimits.nameBytesMax} bytes`)
}

/** `next` of a page of messages. */
export function checkPlace(field: string, place: string): void {
  const isRight = typeof place === 'string' && isPlace(place)
  if (!isRight) throw invalid(field, '`next` of the page before')
}

export function checkInteger(field: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) throw invalid(field, `an integer from ${min} to ${max}`)
}
