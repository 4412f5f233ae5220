import { queueApiLimits } from '#api/queues/limits.ts'
import type { Delivery } from '#api/queues/consume.ts'
import { queueRoutes } from '#api/queues/routes.ts'
import type { ServiceClient } from './service-client.ts'
import { rawField, rawItems } from './raw-field.ts'
import { orRefused, refused } from './service-client.ts'

export interface DeliveredMessage extends Omit<Delivery, 'message'> {
  /** Its JSON as it was sent: numbers are not rounded. */
  readonly message: string
  /** All that was answered of it. */
  readonly text: string
}

/** Messages of an answer, with what they are as it was written. */
export function messagesIn<Message extends object>(
  body: { readonly messages?: readonly Message[] },
  text: string,
): (Omit<Message, 'message'> & Pick<DeliveredMessage, 'message' | 'text'>)[] {
  const texts = rawItems(rawField(text, 'messages') ?? '[]')
  return (body.messages ?? []).map((each, at) => {
    const whole = texts[at] ?? '{}'
    return { ...each, message: rawField(whole, 'message') ?? 'null', text: whole }
  })
}

/** JSON on one line: where it has line breaks they are no part of a text. */
export const onOneLine = (json: string): string => json.replaceAll(/[\r\n]+/g, ' ')

interface Receiving {
  readonly queue: string
  readonly consumerId: string
  readonly visibilityMs: number | undefined
  readonly max: number
  /** Infinity waits without an end. */
  readonly waitMs: number
  readonly signal: AbortSignal
}

interface Received {
  readonly messages: readonly DeliveredMessage[]
  /** When they were asked for: their leases count from then. */
  readonly sentAt: number
}

/** None when nothing came in time. A long wait is made of several calls, as each node waits only so long. */
export async function received(client: ServiceClient, receiving: Receiving): Promise<Received> {
  const { queue, consumerId, visibilityMs, max, waitMs, signal } = receiving
  const deadline = performance.now() + waitMs
  for (;;) {
    const sliceMsMax = Math.min(queueApiLimits.waitMsMax, visibilityMs ?? Infinity) / 3
    const sliceMs = Math.ceil(Math.min(Math.max(0, deadline - performance.now()), sliceMsMax))
    let sentAt = 0
    const demand = {
      queue,
      consumer_id: consumerId,
      max,
      wait_ms: sliceMs,
      ...(visibilityMs === undefined ? {} : { visibility_ms: visibilityMs }),
    }
    const request = (): typeof demand => {
      sentAt = performance.now()
      return demand
    }
    // What an answer that got lost has delivered comes again by itself.
    const answered = await client.callForText(queueRoutes.consume, request, { waitMs: sliceMs, signal, repeatable: true })
    if (!answered.ok && answered.error.code === 'in_flight_full' && performance.now() < deadline) continue
    const { body, text } = orRefused(answered)
    // With `max` there is a list.
    const messages = messagesIn(body as { readonly messages?: readonly Delivery[] }, text)
    if (messages.length > 0 || performance.now() >= deadline) return { messages, sentAt }
  }
}

/** One that is gone was acked by an attempt whose answer got lost. */
export async function ackAll(client: ServiceClient, messages: readonly Pick<DeliveredMessage, 'receipt'>[]): Promise<void> {
  const receipts = messages.map(({ receipt }) => receipt)
  const answer = orRefused(await client.call(queueRoutes.ack, () => ({ receipts }), { repeatable: true }))
  for (const result of 'results' in answer ? answer.results : []) {
    if (result.status === 'refused' && result.error.code !== 'unknown_message')
      throw refused({ ...result.error, code: result.error.code as never })
  }
}
