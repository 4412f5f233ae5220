import { throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery } from '#api/queues/consume.ts'
import type { JsonBytes } from '#api/schemas.ts'
import { formatMessageId } from '#core/queue/message-id.ts'
import { text } from '#core/queue/testkit-samples.ts'
import type { MessageId } from '#core/queue/types.ts'
import { Claims } from './claims.ts'
import type { QueueCounts } from './ledger.ts'
import { LedgerScene } from './ledger-scene.ts'

/** The log is what a test says, and clients are told whatever it likes. */
class Scene {
  readonly slot = new LedgerScene()
  counts: QueueCounts = { ready: 0, in_flight: 0, delayed: 0, dead: 0, dead_pending: 0 }
  forgotAt = -Infinity
  readonly checks: (() => void)[] = []
  readonly claims = new Claims(
    {
      message: (id) => this.slot.enqueued.find((record) => record.text === id),
      withBody: (body) => this.slot.enqueued.filter(({ message }) => Buffer.from(message.body).equals(Buffer.from(body))),
      forgotSince: (_, at) => this.forgotAt >= at,
      readyIn: (queue) => this.slot.ledger.readyIn(queue),
      countsOf: () => this.counts,
      alive: [],
    },
    { now: () => this.slot.now, later: (check) => void this.checks.push(check) },
  )
}

// The service takes nothing else for a body.
const bytes = (body: string): JsonBytes => text(body) as JsonBytes

/** The first delivery of the message, as it should be told. */
const deliveryOf = (id: MessageId, fields: Partial<Delivery> = {}): Delivery => ({
  message_id: formatMessageId(id),
  message: bytes('a'),
  queue: 'q',
  delivery_count: 1,
  receipt: '',
  enqueued_at: '',
  visible_until: '',
  failed_count: 0,
  priority: 0,
  ...fields,
})

const held = (id: MessageId, lease: number | null) => ({ message_id: formatMessageId(id), lease })
const told = (id: MessageId) => ({ message_id: formatMessageId(id) })

test('what is true may be told', () => {
  const { slot, claims } = new Scene()
  const sent = claims.sends('q', text('a'), true)
  const id = slot.produce('a')
  claims.enqueued(sent, told(id))
  claims.enqueued(sent, told(id))
  slot.consume('C')
  claims.delivered('C', deliveryOf(id), 0)
  claims.settled(held(id, 1), 'extended', 0)
  slot.ack(id, 1)
  claims.settled(held(id, 1), 'acknowledged', 0)
  claims.unknownMessage(formatMessageId(id))
  claims.seen(formatMessageId(id), text('a'), 0)
  claims.judge()
})

test('an id that is in no log, and one of another message, are found', () => {
  const { slot, claims } = new Scene()
  const sent = claims.sends('q', text('b'), true)
  const id = slot.produce('a')
  throws(() => claims.enqueued(sent, told({ ...id, check: 1 })), /is told to be enqueued, and the log does not have it/)
  throws(() => claims.enqueued(sent, told(id)), /has another body/)
})

test('a message that is taken twice, though it was to be taken once, is found', () => {
  const { slot, claims } = new Scene()
  const sent = claims.sends('q', text('a'), true)
  claims.enqueued(sent, told(slot.produce('a')))
  const second = slot.produce('a')
  throws(() => claims.enqueued(sent, told(second)), /sent again is told to be .*, and was told to be/)
  throws(() => claims.judge(), /a message is there 2 times/)
})

test('a queue that was emptied may take a message a second time', () => {
  const scene = new Scene()
  const sent = scene.claims.sends('q', text('a'), true)
  scene.claims.enqueued(sent, told(scene.slot.produce('a')))
  scene.forgotAt = 0
  scene.claims.enqueued(sent, told(scene.slot.produce('a')))
  scene.claims.sequenceRefused('q', 'out_of_sequence', 0)
})

test('a batch that is refused in its turn is found', () => {
  throws(() => new Scene().claims.sequenceRefused('q', 'out_of_sequence', 0), /in its turn is refused: out_of_sequence/)
})

test('a delivery to somebody else, of another time, with other bytes or words, is found', () => {
  const { slot, claims } = new Scene()
  const id = slot.produce('a')
  throws(() => claims.delivered('C', deliveryOf(id), 0), /was not leased for the 1. time/)
  slot.consume('C')
  throws(() => claims.delivered('D', deliveryOf(id), 0), /and was leased to C/)
  throws(() => claims.delivered('C', deliveryOf(id), 1), /before it was asked for/)
  throws(() => claims.delivered('C', deliveryOf(id, { message: bytes('b') }), 0), /with other bytes: b/)
  throws(() => claims.delivered('C', deliveryOf(id, { failed_count: 1 }), 0), /"failed_count":1.*and is/)
})

test('a delivery before its delay is over is found', () => {
  const { slot, claims } = new Scene()
  claims.sends('q', text('a'), false)
  const id = slot.produce('a', { delay: { type: 'after', ms: 100 } })
  slot.now = 100
  slot.consume('C')
  slot.now = 80
  throws(() => claims.delivered('C', deliveryOf(id), 0), /after 80.0 of 100 ms/)
})

test('an ack that is told and did not happen is found, and so is one by a lease that was over', () => {
  const { slot, claims } = new Scene()
  const id = slot.produce('a')
  slot.consume('C')
  throws(() => claims.settled(held(id, 1), 'acknowledged', 0), /is told to be acknowledged, and is not settled/)
  throws(() => claims.settled(held(id, 1), 'returned', 0), /its lease has not ended by that/)
  throws(() => claims.unknownMessage(formatMessageId(id)), /is told to be unknown, and is there/)
  throws(() => claims.stale(held(id, 1), 'nack'), /is told to be stale for nack, and lasts/)
  throws(() => claims.cancelled(formatMessageId(id)), /is told to be cancelled, and is not/)
  slot.now = 1_000
  slot.consume('D')
  throws(() => claims.settled(held(id, 1), 'extended', 1_001), /there was a newer lease before/)
  slot.ack(id, 2)
  throws(() => claims.settled(held(id, 1), 'acknowledged', 1_001), /there was a newer lease before/)
  slot.now = 5_000
  throws(() => claims.seen(formatMessageId(id), text('a'), 4_900), /is seen, and was acknowledged before/)
})

test('what was gone before it was given back may be told to be given back, by who asks again; what is there may not', () => {
  const { slot, claims } = new Scene()
  const [gone, there] = [slot.produce('a'), slot.produce('b')]
  slot.consume('C')
  slot.now = 10
  slot.ack(gone, 1)
  throws(() => claims.settled(held(gone, 1), 'returned', 20), /its lease has not ended by that/)
  claims.returnedOrGone(held(gone, 1), 20)
  slot.consume('C')
  throws(() => claims.returnedOrGone(held(there, 1), 20), /its lease has not ended by that/)
})

test('a message that waits while somebody is told that there is none, and whom nobody else takes, is found', () => {
  const { slot, claims, checks } = new Scene()
  const id = slot.produce('a')
  slot.now = 2_000
  claims.empty('q', 1_000)
  slot.now = 3_000
  slot.log({ type: 'expire-due' })
  throws(() => checks[0]?.(), /q is told to be empty .* messages that nobody takes/)
  // Somebody else was about to take it.
  claims.empty('q', 2_900)
  slot.consume('C')
  slot.log({ type: 'nack', receipts: [{ id, lease: 1 }], kind: { type: 'release', delayMs: 0 } })
  checks[1]?.()
})

test('what an old leader was asked for may be lost with it, so nobody is blamed for what a new one has left', () => {
  const { slot, claims, checks } = new Scene()
  slot.produce('a')
  slot.now = 2_000
  claims.empty('q', 1_000)
  slot.now = 3_000
  slot.term = 2
  slot.log({ type: 'expire-due' })
  checks[0]?.()
  slot.now = 4_000
  claims.empty('q', 3_900)
  slot.now = 5_000
  slot.log({ type: 'expire-due' }, { leads: false })
  checks[1]?.()
  slot.log({ type: 'expire-due' })
  throws(() => checks[1]?.(), /q is told to be empty .* messages that nobody takes/)
})

test('counts that are not those of the log are found', () => {
  const scene = new Scene()
  scene.claims.counted({ queue: 'q', ...scene.counts })
  throws(() => scene.claims.counted({ queue: 'q', ...scene.counts, dead: 1 }), /q is told to have 1 dead, and has 0/)
})

test('a message that was acknowledged to its producer and is left at the end is found', () => {
  const { slot, claims } = new Scene()
  const sent = claims.sends('q', text('a'), false)
  claims.enqueued(sent, told(slot.produce('a')))
  throws(() => claims.judge(), /was acknowledged to its producer, and is left/)
})

test('a message that its sender was told is not sent, and that is there all the same, is found', () => {
  const { slot, claims } = new Scene()
  claims.notSent(claims.sends('q', text('a'), true))
  claims.judge()
  slot.produce('a')
  throws(() => claims.judge(), /told not to be sent, and is there/)
})
