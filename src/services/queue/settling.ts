import { present } from '#base/assert.ts'
import type { Result } from '#base/result.ts'
import { err, ok } from '#base/result.ts'
import type { Fault } from '#api/errors.ts'
import { notDelivered, notScheduled, staleReceipt, unknownMessage } from '#api/queues/faults.ts'
import type { CancelFault, Items, ServiceFault, SettleFault } from '#api/queues/queue-api.ts'
import { refOfReceipt } from '#api/queues/receipt.ts'
import type { MessageRef } from '#api/queues/receipt.ts'
import { instantOf } from '#api/schemas.ts'
import type {
  Acknowledged,
  AckMany,
  Cancelled,
  CancelMany,
  ExtendMany,
  NackMany,
  Returned,
  VisibilityExtended,
} from '#api/queues/settle.ts'
import { parseMessageId } from '#core/queue/message-id.ts'
import type { ItemResult, NackKind, QueueCommand, Receipt } from '#core/queue/types.ts'
import type { QueueCalls } from './queue-calls.ts'
import { unexpected } from './queue-faults.ts'

interface Settled {
  readonly id: string
  readonly result: ItemResult
  readonly visibleUntil: number | null
}
type Item<Value, Code extends Fault['code']> = Result<Value, Fault<Code>>

/** Acks and the like: an id says which slot holds its message, so each goes there straight from any node. */
export class Settling {
  readonly #calls: QueueCalls

  constructor(calls: QueueCalls) {
    this.#calls = calls
  }

  async ack({ refs }: AckMany): Promise<Result<Items<Acknowledged, SettleFault>, Fault<ServiceFault>>> {
    const settled = await this.#settle(refs, (receipts) => ({ type: 'ack', receipts }))
    if (!settled.ok) return settled
    return ok(settled.value.map((each) => settledItem(each, ({ id }) => ({ status: 'acknowledged', message_id: id }))))
  }

  async nack({ refs, kind, delay_ms: delayMs }: NackMany): Promise<Result<Items<Returned, SettleFault>, Fault<ServiceFault>>> {
    const settled = await this.#settle(refs, (receipts) => ({ type: 'nack', receipts, kind: kindOf(kind, delayMs) }))
    if (!settled.ok) return settled
    return ok(
      settled.value.map((each) =>
        settledItem(each, ({ id, result }) => ({ status: oneOf(result, 'returned', 'dead', 'acknowledged'), message_id: id })),
      ),
    )
  }

  async extend({
    refs,
    visibility_ms: visibilityMs,
  }: ExtendMany): Promise<Result<Items<VisibilityExtended, SettleFault>, Fault<ServiceFault>>> {
    const settled = await this.#settle(refs, (receipts) => ({ type: 'extend', receipts, visibilityMs }))
    if (!settled.ok) return settled
    return ok(
      settled.value.map((each) =>
        settledItem(each, ({ id, result, visibleUntil }) => {
          const status = oneOf(result, 'extended', 'returned', 'acknowledged')
          return { status, message_id: id, visible_until: status === 'extended' && visibleUntil !== null ? instantOf(visibleUntil) : null }
        }),
      ),
    )
  }

  async cancel({ message_ids: ids }: CancelMany): Promise<Result<Items<Cancelled, CancelFault>, Fault<ServiceFault>>> {
    const refs = ids.map((id) => ({ message_id: id, lease: null }))
    const settled = await this.#settle(refs, (receipts) => ({ type: 'cancel', ids: receipts.map(({ id }) => id) }))
    if (!settled.ok) return settled
    return ok(settled.value.map((each) => cancelledItem(each)))
  }

  /** Deliveries whose answer could not be written (decision Q10). */
  undelivered(receipts: readonly string[]): void {
    const kind = { type: 'release', delayMs: 0 } as const
    void this.#settle(receipts.map(refOfReceipt), (some) => ({ type: 'nack', receipts: some, kind }))
  }

  /** What befell all messages alike is the fault of the call. */
  async #settle(
    refs: readonly MessageRef[],
    command: (receipts: readonly Receipt[]) => QueueCommand,
  ): Promise<Result<readonly Item<Settled, SettleFault>[], Fault<ServiceFault>>> {
    const faults: Fault<ServiceFault>[] = []
    const results: Item<Settled, SettleFault>[] = refs.map(({ message_id: id }) => err(unknownMessage(id)))
    const bySlot = new Map<number, { readonly place: number; readonly receipt: Receipt }[]>()
    for (const [place, { message_id: text, lease }] of refs.entries()) {
      const id = parseMessageId(text)
      if (id === null || id.slot < 1 || id.slot > this.#calls.slots) continue
      const others = bySlot.get(id.slot)
      if (others === undefined) bySlot.set(id.slot, [{ place, receipt: { id, lease } }])
      else others.push({ place, receipt: { id, lease } })
    }
    await Promise.all(
      [...bySlot].map(async ([slot, some]) => {
        const answered = await this.#calls.path(slot).submit(command(some.map(({ receipt }) => receipt)))
        if (!answered.ok) faults.push(...some.map(() => answered.error))
        for (const [position, { place }] of some.entries()) {
          const id = present(refs[place], 'a place is that of a message').message_id
          if (!answered.ok) results[place] = answered
          else if (answered.value.type !== 'results') unexpected(answered.value.type)
          else {
            const result = present(answered.value.results[position], 'every message has a result')
            results[place] = ok({ id, result, visibleUntil: answered.value.visibleUntil })
          }
        }
      }),
    )
    const [first] = faults
    const isAlike = faults.length === refs.length && faults.every(({ code }) => code === first?.code)
    return first !== undefined && isAlike ? err(first) : ok(results)
  }
}

function settledItem<Value>(settled: Item<Settled, SettleFault>, done: (settled: Settled) => Value): Item<Value, SettleFault> {
  if (!settled.ok) return settled
  const { id, result } = settled.value
  if (result === 'unknown_message') return err(unknownMessage(id))
  if (result === 'stale_receipt') return err(staleReceipt(id))
  if (result === 'not_delivered') return err(notDelivered(id))
  return ok(done(settled.value))
}

function cancelledItem(settled: Item<Settled, SettleFault>): Item<Cancelled, CancelFault> {
  if (!settled.ok) return err(settled.error as Fault<CancelFault>)
  const { id, result } = settled.value
  if (result === 'cancelled') return ok({ status: 'cancelled', message_id: id })
  if (result === 'unknown_message') return err(unknownMessage(id))
  return result === 'not_scheduled' ? err(notScheduled(id)) : unexpected(result)
}

function oneOf<const Words extends readonly ItemResult[]>(result: ItemResult, ...words: Words): Words[number] {
  return words.find((word) => word === result) ?? unexpected(result)
}

function kindOf(kind: NackMany['kind'], delayMs: number | null): NackKind {
  switch (kind) {
    case 'release':
      return { type: 'release', delayMs: delayMs ?? 0 }
    case 'fail':
      return { type: 'fail', delayMs }
    case 'reject':
      return { type: 'reject' }
  }
}
