import type { Clock } from '#ports/clock.ts'
import { millis } from '#base/brand.ts'
import type { LockstepErrorCode } from '#sdk/errors.ts'
import { LockstepError } from '#sdk/errors.ts'
import type { QueueClientMessage, SettledItem } from '#wire/queue-client-message.ts'
import type { Asking } from './asking.ts'
import type { Outcome } from './calls.ts'
import { queueSdkLimits as limits } from './limits.ts'

/** What is to become of a delivery. */
export type Settlement =
  | { readonly type: 'ack' }
  | { readonly type: 'nack'; readonly kind: 'release' | 'fail' | 'reject'; readonly delayMs: number | null }
  | { readonly type: 'extend'; readonly visibilityMs: number }

export type Status = Extract<SettledItem, { type: 'done' }>['status']

interface Entry {
  readonly receipt: string
  readonly resolve: (status: Status) => void
  readonly reject: (error: LockstepError) => void
}

interface Group {
  readonly settlement: Settlement
  readonly slot: number
  readonly entries: Entry[]
}

/** Tells the service about deliveries. What is said alike in one turn about messages of one slot travels together. */
export class Settler {
  readonly #asking: Asking
  readonly #groups = new Map<string, Group>()

  constructor(asking: Asking) {
    this.#asking = asking
  }

  /** Rejects with `stale_receipt` when the delivery is over, and with `unknown_message` when the message is gone. */
  settle(receipt: string, settlement: Settlement): Promise<Status> {
    return new Promise((resolve, reject) => {
      const slot = slotOfReceipt(receipt)
      const key = JSON.stringify([slot, settlement])
      const entry = { receipt, resolve, reject }
      const group = this.#groups.get(key)
      if (group === undefined) this.#groups.set(key, { settlement, slot, entries: [entry] })
      else group.entries.push(entry)
      if (this.#groups.size === 1 && group === undefined) this.#clock.soon(() => this.#flush())
    })
  }

  get #clock(): Clock {
    return this.#asking.clock
  }

  #flush(): void {
    const groups = [...this.#groups.values()]
    this.#groups.clear()
    for (const { settlement, slot, entries } of groups) {
      for (let from = 0; from < entries.length; from += limits.receiptsMax) {
        this.#send(settlement, slot, entries.slice(from, from + limits.receiptsMax))
      }
    }
  }

  #send(settlement: Settlement, slot: number, entries: readonly Entry[]): void {
    const { calls, timeoutMs } = this.#asking
    const receipts = entries.map(({ receipt }) => receipt)
    calls.begin({
      message: (call) => messageOf(call, receipts, settlement),
      slot,
      deadline: millis(this.#clock.now() + timeoutMs),
      repeatable: true,
      keeps: true,
      done: (outcome) => tell(entries, settlement, outcome),
    })
  }
}

function messageOf(call: number, receipts: readonly string[], settlement: Settlement): QueueClientMessage {
  switch (settlement.type) {
    case 'ack':
      return { type: 'ack', call, receipts }
    case 'nack':
      return { type: 'nack', call, receipts, kind: settlement.kind, delayMs: settlement.delayMs }
    case 'extend':
      return { type: 'extend', call, receipts, visibilityMs: settlement.visibilityMs }
  }
}

function tell(entries: readonly Entry[], settlement: Settlement, outcome: Outcome): void {
  for (const [at, { resolve, reject }] of entries.entries()) {
    if (outcome.type === 'failed') reject(outcome.error)
    else if (outcome.answer.type !== 'settled') reject(new LockstepError('internal', `the service answered ${outcome.answer.type}`))
    else {
      const item = outcome.answer.results[at]
      const doubt = outcome.doubtful ? doneBefore(settlement, item) : null
      if (item?.type === 'done') resolve(item.status)
      else if (doubt !== null) resolve(doubt)
      else reject(new LockstepError((item?.code ?? 'internal') as LockstepErrorCode, item?.message ?? 'no result for a message'))
    }
  }
}

/** What an earlier attempt whose answer was lost has done is not there to be done again. */
function doneBefore(settlement: Settlement, item: SettledItem | undefined): Status | null {
  if (item?.type !== 'refused') return null
  if (settlement.type === 'ack') return item.code === 'unknown_message' ? 'acknowledged' : null
  if (settlement.type === 'nack') return item.code === 'stale_receipt' || item.code === 'unknown_message' ? 'returned' : null
  return null
}

/** The first four digits of an id are its slot (decision Q5). */
const slotOfReceipt = (receipt: string): number => parseInt(receipt.slice(0, 4), 16)
