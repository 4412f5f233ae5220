import { isDeepStrictEqual } from 'node:util'
import { present } from '#base/assert.ts'
import { decodeAnswer, decodeCommand } from '#core/queue/command-codec.ts'
import { formatMessageId } from '#core/queue/message-id.ts'
import type { ModelMessage, PlainStore } from '#core/queue/plain-store.ts'
import { nameOf } from '#core/queue/plain-store.ts'
import { isReady } from '#core/queue/queries.ts'
import type { QueueState } from '#core/queue/state.ts'
import type { Message, MessageId, Produced, QueueAnswer, QueueCommand, QueueContext, QueueDefinition } from '#core/queue/types.ts'
import type { ApplyContext } from '#runtime/state-machine.ts'
import { Violation } from '#sim/checks/violation.ts'
import { checkCounts, checkViews } from './compare-states.ts'
import type { MessageEnd, MessageRecord } from './message-record.ts'
import { holdsUpItsKey, leaseOf } from './message-record.ts'

/** Carries the entries out, as plainly as can be; a test may say what comes of them. */
export interface SlotModel {
  readonly store: PlainStore
  apply(command: QueueCommand, context: QueueContext): QueueAnswer
}

export interface SlotLedgerListener {
  enqueued(record: MessageRecord): void
  ended(record: MessageRecord, how: MessageEnd): void
}

/** One command, and what a replica has made of it. */
export interface AppliedCommand {
  readonly bytes: Uint8Array
  readonly context: ApplyContext
  readonly answer: Uint8Array
  readonly state: QueueState
  /** The replica leads, so that is what its consumers are told. */
  readonly leads: boolean
}

/**
 * What the log of one slot says, command by command, as its first replica comes to it. A plain list of messages carries the commands out too, and
 * has to give the same answers and counts. What is answered is also held against what must hold whatever the machine is like:
 * - a message has one lease at a time, which lasts as long as was said unless somebody said otherwise;
 * - none is leased before it is due, nor after it was settled, nor before an older one of its key;
 * - none goes without a reason.
 */
export class SlotLedger {
  readonly totals = { commands: 0, enqueued: 0, leases: 0, compared: 0 }
  /** By place, those that are there. */
  readonly #alive = new Map<number, MessageRecord>()
  readonly #model: SlotModel
  readonly #now: () => number
  readonly #listener: SlotLedgerListener
  /** Since when, in true time, messages of a partition could be delivered by a leader that has applied them. */
  readonly #ready = new Map<string, ReadyPartition>()
  #last = { index: 0, position: 0 }
  /** The place of the message that was taken last. */
  #newest = -1
  #wallMax = 0

  constructor(model: SlotModel, now: () => number, listener: SlotLedgerListener) {
    this.#model = model
    this.#now = now
    this.#listener = listener
  }

  get alive(): Iterable<MessageRecord> {
    return this.#alive.values()
  }

  get size(): number {
    return this.#alive.size
  }

  get definitions(): Iterable<QueueDefinition> {
    return this.#model.store.definitions.values()
  }

  /** Of all messages of the queue. */
  statesIn(queue: string): readonly ModelMessage['state'][] {
    const { messages, definitions } = this.#model.store
    const own = messages.filter((message) => definitions.get(Number(message.queue.split('/')[0]))?.name === queue)
    return own.map(({ state }) => state)
  }

  /** The partitions of a queue with something to deliver. */
  readyIn(queue: string): readonly ReadyPartition[] {
    return [...this.#ready.values()].filter((each) => each.queue === queue)
  }

  /** Every replica applies every command; the first one counts. */
  applied(applied: AppliedCommand): void {
    this.#first(applied)
    this.#noteReady(applied)
  }

  #first({ bytes, context, answer, state }: AppliedCommand): void {
    const { index, position } = context
    if (index < this.#last.index || (index === this.#last.index && position <= this.#last.position && this.totals.commands > 0)) return
    this.#last = { index, position }
    const command = decodeCommand(bytes)
    if (!command.ok) throw new Violation(`${this.#at}: no command: ${command.error}`)
    const told = decodeAnswer(answer)
    if (!told.ok) throw new Violation(`${this.#at}: no answer: ${told.error}`)
    const names = new Map([...this.#model.store.definitions].map(([generation, { name }]) => [generation, name as string]))
    const expected = this.#model.apply(command.value, context)
    if (!isDeepStrictEqual(told.value, expected))
      throw new Violation(
        `${this.#at}: ${command.value.type} is answered with ${JSON.stringify(told.value)} instead of ${JSON.stringify(expected)}`,
      )
    this.#wallMax = Math.max(this.#wallMax, context.wall)
    this.totals.commands++
    this.#look(command.value, told.value, { context, names })
    this.#sweep(command.value, context)
    if (told.value.type === 'delivered') for (const { id } of told.value.messages) this.#checkKey(this.#record(id))
    this.#compare(state)
  }

  get #at(): string {
    return `command ${this.#last.position} of entry ${this.#last.index}`
  }

  #look(command: QueueCommand, answer: QueueAnswer, { context, names }: Logged): void {
    switch (command.type) {
      case 'produce':
        if (answer.type === 'produced') {
          const ref = { ...command.queue, name: present(names.get(command.queue.generation), 'who takes messages is known') }
          this.#produced(command.messages, answer, { ref, context })
        }
        return undefined
      case 'consume': {
        if (answer.type !== 'delivered') return undefined
        const settings = this.#model.store.settingsOf(nameOf(command.queue))
        const deadline = context.time + (command.visibilityMs ?? settings.visibilityMs)
        for (const { id, lease, failed } of answer.messages)
          this.#leased(this.#record(id), context, {
            number: lease,
            consumer: command.consumer,
            failed,
            from: this.#now(),
            deadline,
            until: null,
          })
        return undefined
      }
      case 'ack':
      case 'nack':
      case 'extend':
        if (answer.type === 'results') answer.results.forEach((result, at) => this.#settling(command, at, { result, context }))
        return undefined
      case 'cancel':
      case 'forwarded':
        if (answer.type === 'results')
          answer.results.forEach((result, at) => {
            if (result === 'cancelled' || result === 'forwarded') this.#settle(this.#record(command.ids[at]), result)
          })
        return undefined
      default:
        return undefined
    }
  }

  #produced(
    messages: readonly Message[],
    { first, results }: Produced,
    {
      ref,
      context,
    }: { readonly ref: { readonly name: string; readonly generation: number; readonly partition: number }; readonly context: QueueContext },
  ): void {
    const { ttlMs } = this.#model.store.settingsOf(`${ref.generation}/${ref.partition}`)
    for (const [at, result] of results.entries()) {
      const id = { ...first, offset: first.offset + at }
      // The answer of an earlier batch, which was taken then, and whose messages may be over.
      if (result.type !== 'enqueued' || placeOf(id) <= this.#newest) continue
      this.#newest = placeOf(id)
      const message = present(messages[at], 'every result is about a message')
      const { delay } = message
      const waitMs = delay.type === 'after' ? delay.ms : delay.type === 'at' ? Math.max(0, delay.instant - context.wall) : 0
      const record: MessageRecord = {
        id,
        text: formatMessageId(id),
        queue: ref.name,
        generation: ref.generation,
        partition: ref.partition,
        message,
        enqueuedAt: this.#now(),
        due: delay.type === 'at' ? { wall: delay.instant } : { time: context.time + waitMs },
        expires: context.time + waitMs + (message.ttlMs ?? ttlMs ?? Infinity),
        leases: [],
        isResting: false,
        settled: null,
        end: null,
      }
      this.#alive.set(placeOf(id), record)
      this.totals.enqueued++
      this.#listener.enqueued(record)
    }
  }

  #leased(record: MessageRecord, context: QueueContext, lease: MessageRecord['leases'][number]): void {
    const before = leaseOf(record)
    const what = `${this.#at}: ${record.text} is leased to ${lease.consumer}`
    if (before !== null && before.until === null) {
      if (context.time < before.deadline) throw new Violation(`${what} while the lease of ${before.consumer} lasts`)
      before.until = this.#now()
    }
    if (lease.number !== (before?.number ?? 0) + 1)
      throw new Violation(`${what} for the ${lease.number}. time after the ${before?.number ?? 0}.`)
    if (record.settled !== null) throw new Violation(`${what}, and was ${record.settled.how}`)
    if ('time' in record.due ? context.time < record.due.time : this.#wallMax < record.due.wall)
      throw new Violation(`${what} before it is due`)
    record.leases.push(lease)
    const ready = this.#ready.get(`${record.generation}/${record.partition}`)
    if (ready !== undefined) ready.takenAt = this.#now()
    this.totals.leases++
  }

  /** Once it is known what was over when it was leased. */
  #checkKey(record: MessageRecord): void {
    const { key } = record.message
    if (key === null) return
    const what = `${this.#at}: ${record.text} of key ${key} is leased`
    for (const other of this.#alive.values()) {
      if (other === record || other.message.key !== key || other.generation !== record.generation || other.partition !== record.partition)
        continue
      if (placeOf(other.id) < placeOf(record.id) && holdsUpItsKey(other)) throw new Violation(`${what} before ${other.text}`)
      if (leaseOf(other)?.until === null) throw new Violation(`${what} while ${other.text} is in flight`)
    }
  }

  #settling(
    command: Extract<QueueCommand, { type: 'ack' | 'nack' | 'extend' }>,
    at: number,
    { result, context }: { readonly result: string; readonly context: QueueContext },
  ): void {
    const receipt = present(command.receipts[at], 'every result is about a receipt')
    if (!['acknowledged', 'returned', 'dead', 'extended'].includes(result)) return
    const record = this.#record(receipt.id)
    const newest = present(leaseOf(record), 'what was never leased cannot be settled')
    const what = `${this.#at}: ${command.type} of ${record.text} by lease ${receipt.lease} is answered ${result}`
    if (receipt.lease !== null && receipt.lease !== newest.number) throw new Violation(`${what}, and the newest is ${newest.number}`)
    if (command.type === 'ack') {
      this.#settle(record, 'acknowledged')
      return
    }
    if (newest.until !== null || context.time >= newest.deadline) throw new Violation(`${what}, and that lease is over`)
    if (result === 'extended' && command.type === 'extend') newest.deadline = context.time + command.visibilityMs
    else newest.until = this.#now()
  }

  #settle(record: MessageRecord, how: MessageEnd): void {
    record.settled ??= { at: this.#now(), how }
  }

  /** What the plain list does not have any more is gone; and leases end. */
  #sweep(command: QueueCommand, context: QueueContext): void {
    const known = new Map(this.#model.store.messages.map((message) => [placeOf(message.id), message]))
    for (const [place, record] of this.#alive) {
      const message = known.get(place)
      if (message === undefined) this.#end(record, command, context)
      else this.#update(record, message, { command, context })
      if (record.end !== null) this.#alive.delete(place)
    }
  }

  #end(record: MessageRecord, command: QueueCommand, context: QueueContext): void {
    const how = record.settled?.how ?? this.#reason(record, command, context)
    if (how === null) throw new Violation(`${this.#at}: ${record.text} of ${record.queue} goes without a reason`)
    this.#settle(record, how)
    record.end = { at: this.#now(), how }
    const lease = leaseOf(record)
    if (lease !== null) lease.until ??= this.#now()
    this.#listener.ended(record, how)
  }

  #reason(record: MessageRecord, command: QueueCommand, { time }: QueueContext): MessageEnd | null {
    if (command.type === 'delete-queue' && command.generation === record.generation) return 'deleted'
    if (record.expires <= time) return 'expired'
    if (command.type !== 'purge' && command.type !== 'produce') return null
    if (command.queue.generation !== record.generation || command.queue.partition !== record.partition) return null
    if (command.type === 'purge') return record.isResting && !command.dead ? null : 'purged'
    const { overflow, maxLength } = this.#model.store.settingsOf(nameOf(command.queue))
    return overflow === 'drop-head' && maxLength !== null ? 'dropped' : null
  }

  #update(
    record: MessageRecord,
    message: ModelMessage,
    { command, context }: Pick<Logged, 'context'> & { readonly command: QueueCommand },
  ): void {
    record.isResting = message.state === 'dead' || message.state === 'moving'
    if (record.isResting) record.expires = Infinity
    if (message.settled && record.settled === null) {
      if (command.type !== 'purge') throw new Violation(`${this.#at}: ${record.text} is settled by ${command.type}`)
      this.#settle(record, 'purged')
    }
    const lease = leaseOf(record)
    if (lease?.until !== null || message.state === 'leased') return
    if (context.time < lease.deadline)
      throw new Violation(`${this.#at}: the lease of ${record.text} by ${lease.consumer} ends before its time`)
    lease.until = this.#now()
  }

  #compare(state: QueueState): void {
    const { store } = this.#model
    const fault = checkCounts(state, store) ?? (this.totals.commands % 16 === 0 ? checkViews(state, store) : null)
    this.totals.compared++
    if (fault !== null) throw new Violation(`${this.#at}: ${fault}`)
  }

  /** One that does not lead may be ahead of the leader, who has told nobody yet what came. */
  #noteReady({ state, leads, context: { term } }: AppliedCommand): void {
    const now = this.#now()
    for (const [name, { ref }] of this.#model.store.partitions) {
      const queue = this.#model.store.definitions.get(ref.generation)?.name
      const known = this.#ready.get(name)
      if (queue === undefined || !isReady(state, ref)) this.#ready.delete(name)
      else if (!leads) continue
      else if (known === undefined) this.#ready.set(name, { queue, since: now, takenAt: -Infinity, led: { term, from: now, to: now } })
      else if (known.led.term === term) known.led.to = now
      else known.led = { term, from: now, to: now }
    }
    for (const name of this.#ready.keys()) if (!this.#model.store.partitions.has(name)) this.#ready.delete(name)
  }

  #record(id: MessageId | undefined): MessageRecord {
    const record = id === undefined ? undefined : this.#alive.get(placeOf(id))
    if (record === undefined || record.id.check !== id?.check)
      throw new Violation(`${this.#at}: is about ${JSON.stringify(id)}, and there is none`)
    return record
  }
}

/** A partition with something to deliver, in true time. */
export interface ReadyPartition {
  readonly queue: string
  readonly since: number
  /** When somebody took of it. */
  takenAt: number
  /** In which term a leader carried out commands of its slot, from when to when; what was asked of an earlier one may have been lost. */
  led: { readonly term: number; readonly from: number; to: number }
}

interface Logged {
  readonly context: QueueContext
  /** Of the queues, by generation, before the command. */
  readonly names: ReadonlyMap<number, string>
}

const placeOf = ({ index, offset }: MessageId): number => index * 4_096 + offset
