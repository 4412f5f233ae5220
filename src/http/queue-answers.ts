import { assert } from '#base/assert.ts'
import type { Result } from '#base/result.ts'
import type { Fault } from '#api/errors.ts'
import { isRetryable } from '#api/errors.ts'
import type { ConsumeRequest, Deliveries, Delivery, NothingDelivered } from '#api/queues/consume.ts'
import type { Items } from '#api/queues/queue-api.ts'
import type { MessageRef } from '#api/queues/receipt.ts'
import { refOfReceipt } from '#api/queues/receipt.ts'
import type { AckRequest } from '#api/queues/settle.ts'

/** Services are asked about many messages; over HTTP a call may be about one. Here the one becomes the other. */

/** Of a call for one: its result is that of the call. */
export function only<Value, Code extends Fault['code']>(results: Items<Value, Code>): Result<Value, Fault<Code>> {
  const [first] = results
  assert(first !== undefined && results.length === 1, 'one message has one result')
  return first
}

interface RefusedItem {
  readonly status: 'refused'
  readonly error: { readonly code: string; readonly message: string; readonly retryable: boolean; readonly retry_after_ms?: number }
}

export interface Many<Done extends string, Value> {
  readonly status: Done | 'partial' | 'refused'
  readonly results: readonly (Value | RefusedItem)[]
}

/** Of a call for many. `repeatable` is that of the route. */
export function all<Done extends string, Value>(
  done: Done,
  results: Items<Value, Fault['code']>,
  { repeatable }: { readonly repeatable: boolean },
): Many<Done, Value> {
  const refused = results.filter(({ ok }) => !ok).length
  const status = refused === 0 ? done : refused === results.length ? 'refused' : 'partial'
  return { status, results: results.map((result) => (result.ok ? result.value : refusedItem(result.error, repeatable))) }
}

function refusedItem({ code, message, details }: Fault, repeatable: boolean): RefusedItem {
  const after = 'retry_after_ms' in details && details.retry_after_ms !== null ? { retry_after_ms: details.retry_after_ms } : {}
  return { status: 'refused', error: { code, message, retryable: isRetryable(code, repeatable), ...after } }
}

/** With the ids that were asked about, where a result does not name its own. */
export function named<Value>(results: readonly (Value | RefusedItem)[], ids: readonly string[]): readonly (Value | NamedRefusal)[] {
  assert(results.length === ids.length, 'each message has a result')
  return results.map((result, at) => (isRefused(result) ? { ...result, message_id: ids[at] ?? '' } : result))
}

type NamedRefusal = RefusedItem & { readonly message_id: string }

const isRefused = (result: unknown): result is RefusedItem => (result as RefusedItem).status === 'refused'

/** Which messages an ack, a nack or an extension means, and whether it is for a list. */
export function refsOf(request: AckRequest): { readonly refs: readonly MessageRef[]; readonly isList: boolean } {
  const { message_id: id, receipt, message_ids: ids, receipts } = request
  if (receipts !== undefined) return { refs: receipts.map(refOfReceipt), isList: true }
  if (ids !== undefined) return { refs: ids.map(refOfId), isList: true }
  return { refs: [receipt === undefined ? refOfId(id ?? '') : refOfReceipt(receipt)], isList: false }
}

const refOfId = (id: string): MessageRef => ({ message_id: id, lease: null })

type Consumed =
  | ({ readonly status: 'delivered' } & Delivery)
  | { readonly status: 'delivered'; readonly messages: readonly Delivery[] }
  | NothingDelivered

export function consumed({ max }: Pick<ConsumeRequest, 'max'>, { messages, paused }: Deliveries): Consumed {
  assert(messages.length <= (max ?? 1), 'no more is delivered than was asked for')
  const [first] = messages
  if (first === undefined) {
    const list = max === undefined ? {} : ({ messages: [] } as const)
    return { status: 'empty', message: null, ...list, ...(paused ? ({ paused } as const) : {}) }
  }
  return max === undefined ? { status: 'delivered', ...first } : { status: 'delivered', messages }
}

export function receiptsOf(answer: Consumed): readonly string[] {
  if (answer.status === 'empty') return []
  return 'messages' in answer ? answer.messages.map(({ receipt }) => receipt) : [answer.receipt]
}
