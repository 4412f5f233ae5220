import { assert } from '#base/assert.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { decodeAnswer, encodeAnswer, encodeCommand } from './command-codec.ts'
import { checkInvariants, checkProgress, marksOf } from './invariants.ts'
import type { QueueLimits } from './limits.ts'
import { queueLimits } from './limits.ts'
import { QueueMachine } from './machine.ts'
import { peek, viewMessages } from './queries.ts'
import { definitionOf, message } from './testkit-samples.ts'
import type {
  Delivery,
  Message,
  MessageId,
  NackKind,
  PartitionRef,
  QueueAnswer,
  QueueCommand,
  QueueContext,
  QueueEvent,
  QueueSettings,
  Receipt,
  Redrive,
} from './types.ts'
import { consumerId, generation, producerId } from './types.ts'

export const identity = { clusterId: 'cluster', slot: 7 } as const
/** Wall time of machine time 0. */
export const epoch = 1_700_000_000_000

export const queueOf = (number = 1, partition = 0): PartitionRef => ({ generation: generation(number), partition })

/** An answer in a few words. */
function brief(answer: QueueAnswer): string {
  switch (answer.type) {
    case 'produced':
      return answer.results.map((result) => (result.type === 'refused' ? result.code : result.type)).join(' ')
    case 'results':
      return answer.results.join(' ')
    case 'refused':
      return answer.detail === '' ? answer.code : `${answer.code} ${answer.detail}`
    case 'expired':
    case 'released':
      return `${answer.type} ${answer.count}${answer.more ? ' of more' : ''}`
    case 'purged':
      return `purged ${answer.count}`
    case 'redrive':
      return `moved ${answer.moved}${answer.active ? ' so far' : ''}`
    case 'delivered':
      return `delivered ${answer.messages.length}`
    case 'configured':
    case 'deleted':
      return answer.type
  }
}

/**
 * A machine that is spoken to in bytes, and whose invariants are checked after every command. Messages are called by their bodies: `a` is
 * the one whose body is `a`.
 */
export class TestQueues {
  machine: QueueMachine
  answer: QueueAnswer | null = null
  events: readonly QueueEvent[] = []
  time = 0
  /** How far the wall clock is ahead of where machine time would have it. */
  wallAhead = 0
  term = 1
  index = 0
  /** Everything it was told, to be told to another one. */
  readonly log: { readonly command: QueueCommand; readonly context: QueueContext }[] = []
  readonly #names = new Map<string, string>()
  readonly #ids = new Map<string, MessageId>()
  readonly #limits: QueueLimits
  #isTogether = false

  constructor(limits: Partial<QueueLimits> = {}) {
    this.#limits = { ...queueLimits, ...limits }
    this.machine = new QueueMachine(identity, this.#limits)
  }

  do(command: QueueCommand): QueueAnswer {
    const wall = wallMillis(epoch + this.time + this.wallAhead)
    if (!this.#isTogether) this.index++
    const context: QueueContext = { index: this.index, term: this.term, time: millis(this.time), wall }
    this.log.push({ command, context })
    const before = marksOf(this.machine.state)
    const { answer, events } = this.machine.apply(encodeCommand(command), context)
    this.answer = answer
    this.events = events
    checkInvariants(this.machine.state)
    checkProgress(before, this.machine.state)
    const copy = decodeAnswer(encodeAnswer(answer))
    assert(copy.ok && JSON.stringify(copy.value) === JSON.stringify(answer), 'an answer survives its encoding')
    this.#learn(command, answer)
    return answer
  }

  /** Whatever is asked for by `run` is in one entry of the log. */
  together(run: () => void): void {
    this.index++
    this.#isTogether = true
    run()
    this.#isTogether = false
  }

  try(command: QueueCommand): string {
    return brief(this.do(command))
  }

  /** Another replica, which begins with a snapshot of this one, takes over. */
  restart(): void {
    const bytes = this.snapshot()
    this.machine = new QueueMachine(identity, this.#limits)
    assert(this.machine.restore(bytes) === null, 'a snapshot is read')
    checkInvariants(this.machine.state)
  }

  /** Opens queue 1, or another, or gives it settings. */
  configure(settings: Partial<QueueSettings> = {}, number = 1, revision = this.index + 1): string {
    return this.try({ type: 'configure', queue: definitionOf(`queue-${number}`, number, settings, revision), catalogueVersion: revision })
  }

  delete(number = 1, catalogueVersion = this.index + 1): string {
    return this.try({ type: 'delete-queue', generation: generation(number), catalogueVersion })
  }

  /** Messages by their bodies, `a b c`; all with the same fields. */
  produce(bodies: string, fields: Partial<Message> = {}, queue = queueOf()): string {
    return this.send(
      bodies.split(' ').map((body) => message(body, fields)),
      queue,
    )
  }

  send(messages: readonly Message[], queue = queueOf()): string {
    return this.try({ type: 'produce', queue, producer: null, messages })
  }

  /** `p#3` is the third batch of producer p. */
  produceAs(who: string, bodies: string, queue = queueOf()): string {
    const [id = '', sequence] = who.split('#')
    const messages = bodies.split(' ').map((body) => message(body))
    return this.try({ type: 'produce', queue, producer: { id: producerId(id), sequence: Number(sequence) }, messages })
  }

  /** What was delivered, by body and number of the lease: `a1 b1`. */
  consume(max = 1, options: ConsumeOptions = {}): string {
    const { by = 'c', bytesMax = 1_000_000, visibilityMs = null, queue = queueOf() } = options
    const answer = this.do({ type: 'consume', queue, consumer: consumerId(by), max, bytesMax, visibilityMs })
    return answer.type === 'delivered' ? this.#nameAll(answer.messages) : brief(answer)
  }

  /** `a` without a receipt, `a1` by the first lease; several separated by spaces. */
  ack(names: string): string {
    return this.try({ type: 'ack', receipts: this.receipts(names) })
  }

  nack(names: string, kind: NackKind): string {
    return this.try({ type: 'nack', receipts: this.receipts(names), kind })
  }

  release(names: string, delayMs = 0): string {
    return this.nack(names, { type: 'release', delayMs })
  }

  fail(names: string, delayMs: number | null = 0): string {
    return this.nack(names, { type: 'fail', delayMs })
  }

  reject(names: string): string {
    return this.nack(names, { type: 'reject' })
  }

  extend(names: string, visibilityMs: number): string {
    return this.try({ type: 'extend', receipts: this.receipts(names), visibilityMs })
  }

  cancel(names: string): string {
    return this.try({ type: 'cancel', ids: this.ids(names) })
  }

  purge(dead = false, queue = queueOf()): string {
    return this.try({ type: 'purge', queue, dead })
  }

  redrive(options: Partial<Redrive> = {}): string {
    return this.try({ type: 'redrive', queue: queueOf(), from: 'dead', rate: null, max: null, ...options })
  }

  forwarded(names: string): string {
    return this.try({ type: 'forwarded', ids: this.ids(names) })
  }

  return(names: string): string {
    return this.try({ type: 'return', ids: this.ids(names) })
  }

  postpone(names: string, delayMs: number): string {
    return this.try({ type: 'postpone', ids: this.ids(names), delayMs })
  }

  /** Lets time pass and ends what is over by then. */
  pass(ms: number): string {
    this.time += ms
    return this.try({ type: 'expire-due' })
  }

  receipts(names: string): Receipt[] {
    return names.split(' ').map((name) => {
      const [, body = '', lease = ''] = /^(.*?)(\d*)$/.exec(name) ?? []
      return { id: this.id(body), lease: lease === '' ? null : Number(lease) }
    })
  }

  ids(names: string): MessageId[] {
    return names.split(' ').map((name) => this.id(name))
  }

  id(name: string): MessageId {
    const id = this.#ids.get(name)
    assert(id !== undefined, 'a message was produced under that name')
    return id
  }

  /** What would be delivered, in order. */
  peek(queue = queueOf()): string {
    return [...peek(this.machine.state, queue)].map(({ id }) => this.nameOf(id)).join(' ')
  }

  /** Everything that is not settled, in the order of the log: `a:ready b:leased`. */
  show(queue = queueOf()): string {
    return [...viewMessages(this.machine.state, queue)].map(({ id, state }) => `${this.nameOf(id)}:${state}`).join(' ')
  }

  nameOf({ index, offset }: MessageId): string {
    return this.#names.get(`${index}.${offset}`) ?? '?'
  }

  snapshot(): Uint8Array {
    return concat([...this.machine.snapshot()])
  }

  #nameAll(messages: readonly Delivery[]): string {
    return messages.map(({ id, lease }) => this.nameOf(id) + lease).join(' ')
  }

  #learn(command: QueueCommand, answer: QueueAnswer): void {
    if (command.type !== 'produce' || answer.type !== 'produced') return
    answer.results.forEach(({ type }, at) => {
      const name = new TextDecoder().decode(command.messages[at]?.body)
      const offset = answer.first.offset + at
      if (type !== 'enqueued' || this.#names.has(`${answer.first.index}.${offset}`)) return
      this.#ids.set(name, { ...answer.first, offset })
      this.#names.set(`${answer.first.index}.${offset}`, name)
    })
  }
}

interface ConsumeOptions {
  readonly by?: string
  readonly bytesMax?: number
  readonly visibilityMs?: number | null
  readonly queue?: PartitionRef
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
