import { doesNotThrow, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { formatMessageId } from '#core/queue/message-id.ts'
import { LedgerScene } from '#sim/queue/ledger-scene.ts'
import { SendingOrder } from './sending-order.ts'

function twoMessages(key: string | null = 'k'): { readonly order: SendingOrder; readonly ids: readonly [string, string] } {
  const slot = new LedgerScene()
  const order = new SendingOrder({ message: (id) => slot.enqueued.find(({ text }) => text === id) })
  const ids = [formatMessageId(slot.produce('a', { key })), formatMessageId(slot.produce('b', { key }))] as const
  return { order, ids }
}

test('messages that are in the log in another order than they were sent in are found, whichever is told of first', () => {
  for (const firstTold of [0, 1] as const) {
    const { order, ids } = twoMessages()
    const calls = [order.called(), order.called()] as const
    order.enqueued(calls[firstTold], ids[1 - firstTold] ?? '')
    throws(() => order.enqueued(calls[1 - firstTold] ?? 0, ids[firstTold]), /in another order/)
  }
})

test('messages that are in the log as they were sent may be told of in any order', () => {
  const { order, ids } = twoMessages()
  const calls = [order.called(), order.called()] as const
  order.enqueued(calls[1], ids[1])
  doesNotThrow(() => order.enqueued(calls[0], ids[0]))
})

test('messages without a key may have gone to partitions that are no more, one before the other', () => {
  const { order, ids } = twoMessages(null)
  const calls = [order.called(), order.called()] as const
  order.enqueued(calls[0], ids[1])
  doesNotThrow(() => order.enqueued(calls[1], ids[0]))
})
