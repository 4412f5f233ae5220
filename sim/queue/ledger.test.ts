import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { millis, wallMillis } from '#base/brand.ts'
import { encodeAnswer, encodeCommand } from '#core/queue/command-codec.ts'
import { QueueMachine } from '#core/queue/machine.ts'
import { formatMessageId } from '#core/queue/message-id.ts'
import { definitionOf, message, text } from '#core/queue/testkit-samples.ts'
import type { Message, MessageId, QueueCommand } from '#core/queue/types.ts'
import { consumerId, generation, queueName } from '#core/queue/types.ts'
import { partitionOf } from '#core/ring/partition.ts'
import { logIndex, term } from '#core/raft/types.ts'
import { Ledger } from './ledger.ts'

const clusterId = 'cluster'
const dead = { generation: generation(1), partition: 0 }
const work = { generation: generation(2), partition: 0 }

/** Two slots: work is in the second, and its dead go to the first. */
class Scene {
  now = 0
  readonly ledger = new Ledger(() => this.now)
  readonly #machines = new Map([1, 2].map((slot) => [slot, new QueueMachine({ clusterId, slot })]))
  #index = 0

  constructor() {
    this.log(1, { type: 'configure', queue: definitionOf('dead', 1), catalogueVersion: 2 })
    this.log(2, { type: 'configure', queue: definitionOf('work', 2, { deadLetterQueue: queueName('dead') }), catalogueVersion: 2 })
  }

  log(slot: number, command: QueueCommand): ReturnType<QueueMachine['apply']>['answer'] {
    const machine = this.#machines.get(slot) ?? new QueueMachine({ clusterId, slot })
    const bytes = encodeCommand(command)
    const index = logIndex(++this.#index)
    const context = { index, position: 0, term: term(1), time: millis(this.now), wall: wallMillis(this.now), version: 1 }
    const { answer } = machine.apply(bytes, context)
    this.ledger.applied({ clusterId, slot }, { bytes, context, answer: encodeAnswer(answer), state: machine.state, leads: true })
    return answer
  }

  produce(slot: number, sent: Message): MessageId {
    const answer = this.log(slot, { type: 'produce', queue: slot === 1 ? dead : work, producer: null, messages: [sent] })
    if (answer.type !== 'produced') throw new Error('it was not taken')
    return answer.first
  }

  /** It is on its way to the dead. */
  rejected(): MessageId {
    const id = this.produce(2, message('a'))
    this.log(2, { type: 'consume', queue: work, consumer: consumerId('C'), max: 1, bytesMax: 100, visibilityMs: null })
    this.log(2, { type: 'nack', receipts: [{ id, lease: 1 }], kind: { type: 'reject' } })
    return id
  }
}

const letterOf = (id: MessageId, body = 'a', of = id): Message =>
  message(body, {
    dedupeId: formatMessageId(id),
    source: { queue: queueName('work'), id: of, reason: 'rejected', delivered: 1, failed: 0 },
  })

test('a dead letter that is in its new queue before it leaves the old one is no fault', () => {
  const scene = new Scene()
  const id = scene.rejected()
  deepEqual(scene.ledger.countsOf('work'), { ready: 0, in_flight: 0, delayed: 0, dead: 0, dead_pending: 1 })
  scene.produce(1, letterOf(id))
  scene.log(2, { type: 'forwarded', ids: [id] })
  equal(scene.ledger.message(formatMessageId(id))?.end?.how, 'forwarded')
  equal(scene.ledger.alive.length, 1)
  equal(scene.ledger.withBody(text('a')).length, 1, 'a dead letter is not counted as sent once more')
})

test('a dead letter that is forgotten on its way is found', () => {
  const scene = new Scene()
  const id = scene.rejected()
  throws(() => scene.log(2, { type: 'forwarded', ids: [id] }), /of work left for another queue, and no queue has it/)
})

test('a dead letter with another body, or that says that it was another message, is found', () => {
  for (const [body, offset, fault] of [
    ['b', 0, /with another body/],
    ['a', 7, /says that it was/],
  ] as const) {
    const scene = new Scene()
    const id = scene.rejected()
    throws(() => scene.produce(1, letterOf(id, body, { ...id, offset })), fault)
  }
})

test('a message that is not where others of its key are is found', () => {
  const scene = new Scene()
  const partition = partitionOf('k', 4)
  const command = (at: number): QueueCommand => {
    const queue = { ...work, partition: at }
    return { type: 'produce', queue, producer: null, messages: [message('a', { key: 'k' })] }
  }
  scene.log(2, command(partition))
  throws(() => scene.log(2, command((partition + 1) % 4)), /of key k is in partition \d of work, and others of that key are not/)
})

test('when a queue was emptied is known', () => {
  const scene = new Scene()
  scene.now = 5
  scene.log(2, { type: 'purge', queue: work, dead: true })
  deepEqual(
    [4, 5, 6].map((since) => scene.ledger.forgotSince('work', since)),
    [true, true, false],
  )
  equal(scene.ledger.forgotSince('dead', 0), false)
})
