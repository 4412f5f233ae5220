import { millis, wallMillis } from '#base/brand.ts'
import { encodeAnswer, encodeCommand } from '#core/queue/command-codec.ts'
import { queueLimits } from '#core/queue/limits.ts'
import { QueueMachine } from '#core/queue/machine.ts'
import { PlainModel } from '#core/queue/plain-model.ts'
import type { ModelMessage } from '#core/queue/plain-store.ts'
import { definitionOf, message } from '#core/queue/testkit-samples.ts'
import type { Message, MessageId, QueueAnswer, QueueCommand, QueueContext, QueueSettings } from '#core/queue/types.ts'
import { consumerId, generation } from '#core/queue/types.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { MessageEnd, MessageRecord } from './message-record.ts'
import type { SlotModel } from './slot-ledger.ts'
import { SlotLedger } from './slot-ledger.ts'

const identity = { clusterId: 'cluster', slot: 1 }
const epoch = 1_700_000_000_000

/** A slot whose log a test writes. What its replica answers, and what the plain list makes of it, are the truth unless the test says otherwise. */
export class LedgerScene {
  now = 0
  term = 1
  readonly machine = new QueueMachine(identity)
  readonly model = new PlainModel(identity, queueLimits)
  readonly ends: [string, MessageEnd][] = []
  readonly enqueued: MessageRecord[] = []
  /** What both say instead of the truth. */
  lie: QueueAnswer | null = null
  /** What only the replica says. */
  fault: QueueAnswer | null = null
  /** What becomes of the plain list after it has carried out a command. */
  tamper: (messages: readonly ModelMessage[]) => void = () => {}
  readonly ledger: SlotLedger
  #index = 0
  #position = 0

  constructor(settings: Partial<QueueSettings> = {}) {
    const model: SlotModel = { store: this.model.store, apply: (command, context) => this.#carryOut(command, context) }
    this.ledger = new SlotLedger(model, () => this.now, {
      enqueued: (record) => void this.enqueued.push(record),
      ended: ({ text }, how) => void this.ends.push([text, how]),
    })
    this.log({ type: 'configure', queue: definitionOf('q', 1, settings), catalogueVersion: 1 })
  }

  get queue(): { readonly generation: ReturnType<typeof generation>; readonly partition: number } {
    return { generation: generation(1), partition: 0 }
  }

  /** The log says so, and a replica has carried it out. */
  log(command: QueueCommand, { leads = true, sameEntry = false } = {}): QueueAnswer {
    if (!sameEntry) this.#index++
    this.#position = sameEntry ? this.#position + 1 : 0
    const context = {
      index: logIndex(this.#index),
      position: this.#position,
      term: term(this.term),
      time: millis(this.now),
      wall: wallMillis(epoch + this.now),
      version: 1,
    }
    const bytes = encodeCommand(command)
    const { answer } = this.machine.apply(bytes, context)
    const told = this.fault ?? this.lie ?? answer
    this.ledger.applied({ bytes, context, answer: encodeAnswer(told), state: this.machine.state, leads })
    return answer
  }

  produce(body: string, fields: Partial<Message> = {}): MessageId {
    const answer = this.log({ type: 'produce', queue: this.queue, producer: null, messages: [message(body, fields)] })
    if (answer.type !== 'produced') throw new Error('it was not taken')
    return answer.first
  }

  consume(consumer: string, max = 1, visibilityMs = 1_000): QueueAnswer {
    return this.log({ type: 'consume', queue: this.queue, consumer: consumerId(consumer), max, bytesMax: 1_000, visibilityMs })
  }

  ack(id: MessageId, lease: number | null): QueueAnswer {
    return this.log({ type: 'ack', receipts: [{ id, lease }] })
  }

  #carryOut(command: QueueCommand, context: QueueContext): QueueAnswer {
    const answer = this.model.apply(command, context)
    this.tamper(this.model.store.messages)
    return this.lie ?? answer
  }
}

/** Of one lease. */
export const deliveredOf = (id: MessageId, lease: number): QueueAnswer => ({
  type: 'delivered',
  messages: [{ id, lease, failed: 0, enqueuedAt: wallMillis(epoch) }],
  visibleUntil: wallMillis(epoch + 1_000),
})
