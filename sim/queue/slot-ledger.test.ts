import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { formatMessageId } from '#core/queue/message-id.ts'
import { message } from '#core/queue/testkit-samples.ts'
import { producerId, queueName } from '#core/queue/types.ts'
import { deliveredOf, LedgerScene } from './ledger-scene.ts'

test('a life without faults is let pass, and why each message went is known', () => {
  const scene = new LedgerScene({ maxLength: 2, overflow: 'drop-head' })
  const dropped = scene.produce('a')
  const acked = scene.produce('b')
  const expired = scene.produce('c', { ttlMs: 500 })
  scene.consume('C')
  scene.ack(acked, 1)
  scene.now = 600
  scene.log({ type: 'expire-due' })
  const purged = scene.produce('d')
  scene.log({ type: 'purge', queue: scene.queue, dead: false })
  deepEqual(scene.ends, [
    [formatMessageId(dropped), 'dropped'],
    [formatMessageId(acked), 'acknowledged'],
    [formatMessageId(expired), 'expired'],
    [formatMessageId(purged), 'purged'],
  ])
  equal(scene.ledger.size, 0)
})

test('a batch that is sent again within one entry is taken once, though its message was dropped meanwhile', () => {
  const scene = new LedgerScene({ maxLength: 1, overflow: 'drop-head' })
  const producer = { id: producerId('P'), sequence: 1 }
  const batch = { type: 'produce', queue: scene.queue, producer, messages: [message('a')] } as const
  const first = scene.log(batch)
  scene.log({ type: 'produce', queue: scene.queue, producer: null, messages: [message('b')] }, { sameEntry: true })
  const again = scene.log(batch, { sameEntry: true })
  deepEqual(again, first)
  deepEqual(
    scene.enqueued.map(({ message: { body } }) => Buffer.from(body).toString()),
    ['a', 'b'],
  )
})

test('an answer that a plain list would not give is found', () => {
  const scene = new LedgerScene()
  const id = scene.produce('a')
  scene.consume('C')
  scene.fault = { type: 'results', results: ['stale_receipt'], visibleUntil: null }
  throws(() => scene.ack(id, 1), /ack is answered with .*stale_receipt.* instead of .*acknowledged/)
})

test('counts that differ from the plain list are found', () => {
  const scene = new LedgerScene()
  scene.produce('a')
  const [taken] = scene.model.store.messages
  if (taken !== undefined) taken.state = 'dead'
  throws(
    () => scene.log({ type: 'expire-due' }),
    /counts ready, in flight, scheduled, dead and moving \[1,0,0,0,0\] instead of \[0,0,0,1,0\]/,
  )
})

test('messages that differ from the plain list are found, though their counts agree', () => {
  const scene = new LedgerScene()
  scene.produce('a')
  const [taken] = scene.model.store.messages
  if (taken !== undefined) taken.failed = 1
  throws(() => {
    for (let command = 0; command < 16; command++) scene.log({ type: 'expire-due' })
  }, /partition 1\/0 has .*"failed":0.* instead of .*"failed":1/)
})

test('a message that is leased to two at one time is found', () => {
  const scene = new LedgerScene()
  const id = scene.produce('a')
  scene.consume('C')
  scene.now = 999
  scene.lie = deliveredOf(id, 2)
  throws(() => scene.consume('D'), /is leased to D while the lease of C lasts/)
})

test('a lease that comes after the one before is over is no fault', () => {
  const scene = new LedgerScene()
  scene.produce('a')
  scene.consume('C')
  scene.now = 1_000
  scene.consume('D')
  deepEqual(
    scene.enqueued[0]?.leases.map(({ consumer, until }) => [consumer, until]),
    [
      ['C', 1_000],
      ['D', null],
    ],
  )
})

test('a message that is leased though it is settled is found', () => {
  const scene = new LedgerScene()
  const id = scene.produce('a')
  for (const at of [0, 1_000]) {
    scene.now = at
    scene.consume('C')
  }
  scene.ack(id, null)
  scene.now = 2_000
  scene.lie = deliveredOf(id, 3)
  throws(() => scene.consume('D'), /is leased to D, and was acknowledged/)
})

test('a message that is leased before it is due is found', () => {
  const scene = new LedgerScene()
  const id = scene.produce('a', { delay: { type: 'after', ms: 100 } })
  scene.now = 99
  scene.lie = deliveredOf(id, 1)
  throws(() => scene.consume('C'), /is leased to C before it is due/)
})

test('a message that is leased before an older one of its key is found, and so is one while another is in flight', () => {
  const behind = new LedgerScene()
  behind.produce('a', { key: 'k' })
  const second = behind.produce('b', { key: 'k' })
  behind.lie = deliveredOf(second, 1)
  behind.tamper = ([first, other]) => {
    if (first !== undefined && other !== undefined) Object.assign(first, { state: 'ready' })
    if (other !== undefined) Object.assign(other, { state: 'leased' })
  }
  throws(() => behind.consume('C'), /of key k is leased before/)

  const beside = new LedgerScene()
  const first = beside.produce('a', { key: 'k' })
  beside.consume('C')
  beside.now = 100
  beside.log({ type: 'nack', receipts: [{ id: first, lease: 1 }], kind: { type: 'reject' } })
  const next = beside.produce('b', { key: 'k' })
  beside.consume('D')
  beside.log({ type: 'redrive', queue: beside.queue, from: 'dead', rate: null, max: null })
  beside.lie = deliveredOf(first, 2)
  beside.tamper = (messages) => {
    for (const each of messages) each.state = 'leased'
  }
  throws(() => beside.consume('E'), new RegExp(`of key k is leased while ${formatMessageId(next)} is in flight`))
})

test('a late ack that is taken for a newer lease is found', () => {
  const scene = new LedgerScene()
  const id = scene.produce('a')
  scene.consume('C')
  scene.now = 1_000
  scene.consume('D')
  scene.lie = { type: 'results', results: ['acknowledged'], visibleUntil: null }
  throws(() => scene.ack(id, 1), /by lease 1 is answered acknowledged, and the newest is 2/)
})

test('a lease that ends before its time is found', () => {
  const scene = new LedgerScene()
  scene.produce('a')
  scene.consume('C')
  const [taken] = scene.model.store.messages
  if (taken !== undefined) taken.state = 'ready'
  scene.now = 500
  throws(() => scene.log({ type: 'expire-due' }), /by C ends before its time/)
})

test('a message that goes without a reason is found', () => {
  const scene = new LedgerScene({ deadLetterQueue: queueName('dead') })
  scene.produce('a')
  scene.model.store.messages = []
  throws(() => scene.log({ type: 'expire-due' }), /goes without a reason/)
})

test('what a follower is ahead with is not taken for ready before its leader has it', () => {
  const scene = new LedgerScene()
  scene.now = 10
  const produce = { type: 'produce', queue: scene.queue, producer: null, messages: [] } as const
  scene.produce('a')
  equal(scene.ledger.readyIn('q')[0]?.since, 10)
  scene.consume('C')
  deepEqual(scene.ledger.readyIn('q'), [])
  scene.log({ ...produce, messages: [{ ...bare, body: new Uint8Array(1) }] }, { leads: false })
  deepEqual(scene.ledger.readyIn('q'), [])
})

const bare = { key: null, priority: 0, delay: { type: 'none' }, ttlMs: null, dedupeId: null, headers: [], source: null } as const
