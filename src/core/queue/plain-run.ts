import { assert } from '#base/assert.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { Prng } from '#base/prng.ts'
import { encodeCommand } from './command-codec.ts'
import { checkInvariants } from './invariants.ts'
import type { QueueLimits } from './limits.ts'
import { queueLimits } from './limits.ts'
import { QueueMachine } from './machine.ts'
import { PlainModel } from './plain-model.ts'
import { isReady, peek, viewMessages } from './queries.ts'
import type { StateName } from './queries.ts'
import { concat, epoch, identity, queueOf } from './testkit.ts'
import { definitionOf, message } from './testkit-samples.ts'
import type {
  IndexRange,
  Message,
  MessageId,
  NackKind,
  PartitionRef,
  Produce,
  QueueAnswer,
  QueueCommand,
  QueueContext,
  QueueEvent,
  QueueSettings,
  Receipt,
} from './types.ts'
import { consumerId, generation, producerId, queueName } from './types.ts'

/** One random sequence of commands, told to the machine, to a replica that begins with a snapshot in its midst, and to the plain model. */

const small: QueueLimits = {
  ...queueLimits,
  inFlightMax: 5,
  dedupeIdsMax: 4,
  producersMax: 2,
  producerIdleMs: 3_000,
  answersKept: 2,
  expiriesMax: 3,
}

type Kind = QueueCommand['type']

/** How often each kind is drawn. */
const weights: Readonly<Record<Kind, number>> = {
  produce: 48,
  consume: 56,
  ack: 20,
  nack: 32,
  extend: 8,
  'expire-due': 12,
  configure: 6,
  cancel: 4,
  'release-consumer': 2,
  purge: 1,
  redrive: 8,
  'cancel-redrive': 2,
  forwarded: 6,
  return: 6,
  postpone: 6,
  'delete-queue': 1,
}
const kinds = (Object.entries(weights) as [Kind, number][]).flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind))

export class PlainRun {
  readonly #prng: Prng
  readonly #limits: QueueLimits
  readonly #machine: QueueMachine
  readonly #model: PlainModel
  #late: QueueMachine | null = null
  #time = 0
  #index = 0
  #last: QueueContext | null = null
  #generation = 2
  readonly #known: MessageId[] = []
  readonly #leases: Receipt[] = []
  readonly #sequences = new Map<string, number>()
  /** Entries that brought messages. */
  readonly #brought = new Set<number>()
  /** Words of answers and events, counted. */
  readonly #met: Map<string, number>

  constructor(seed: number, met: Map<string, number>) {
    this.#prng = new Prng(seed)
    this.#met = met
    this.#limits = this.#prng.chance(0.5) ? small : queueLimits
    this.#machine = new QueueMachine(identity, this.#limits)
    this.#model = new PlainModel(identity, this.#limits)
  }

  run(commands: number): void {
    for (const number of [1, 2])
      this.#tell({ type: 'configure', queue: definitionOf(`q${number}`, number, this.#settings(), 1), catalogueVersion: 1 })
    const cut = this.#prng.between(0, commands)
    for (let at = 0; at < commands; at++) {
      if (at === cut) this.#beginLate()
      if (this.#prng.chance(0.4)) this.#time += this.#prng.pick([0.5, 40, 100, 700, 3_000])
      this.#tell(this.#draw())
    }
    this.#compareDead()
    if (this.#late !== null) assert(isEqual(this.#late.snapshot(), this.#machine.snapshot()), 'equal states have equal snapshots')
  }

  #tell(command: QueueCommand): void {
    const context = this.#context()
    const bytes = encodeCommand(command)
    const waiting = [...this.#machine.state.partitions()].map(({ ref }) => ref).filter((ref) => !isReady(this.#machine.state, ref))
    const { answer, events } = this.#machine.apply(bytes, context)
    const expected = this.#model.apply(command, context)
    same(answer, expected, command)
    checkInvariants(this.#machine.state)
    this.#compareEvents(events)
    for (const ref of waiting) if (isReady(this.#machine.state, ref)) assert(events.some(tellsOf(ref)), 'who waits for a partition is told')
    this.#compareStates()
    if (this.#late !== null) same(this.#late.apply(bytes, context), { answer, events }, command)
    this.#learn(command, answer)
    for (const { type } of events) this.#meet(type)
  }

  /** Commands of one entry have all of it in common. */
  #context(): QueueContext {
    if (this.#last !== null && this.#last.time === this.#time && this.#prng.chance(0.4)) return this.#last
    const wall = wallMillis(epoch + this.#time + this.#prng.pick([0, 0, 0, 500, -200]))
    this.#index += this.#prng.between(1, 2)
    this.#last = { index: this.#index, term: 1, time: millis(this.#time), wall }
    return this.#last
  }

  #beginLate(): void {
    this.#last = null
    this.#late = new QueueMachine(identity, this.#limits)
    const reason = this.#late.restore(concat([...this.#machine.snapshot()]))
    assert(reason === null, 'a snapshot is read')
    checkInvariants(this.#late.state)
  }

  #meet(word: string): void {
    this.#met.set(word, (this.#met.get(word) ?? 0) + 1)
  }

  #learn(command: QueueCommand, answer: QueueAnswer): void {
    if (answer.type === 'refused') this.#meet(answer.code)
    else if (answer.type === 'results') for (const result of answer.results) this.#meet(`${command.type} ${result}`)
    else if (answer.type === 'produced') {
      if (answer.first.index !== this.#index) this.#meet('repeated')
      answer.results.forEach((result, at) => {
        this.#meet(result.type === 'refused' ? result.code : result.type)
        if (result.type === 'enqueued') this.#brought.add(answer.first.index)
        if (result.type === 'enqueued' && answer.first.index === this.#index)
          this.#known.push({ ...answer.first, offset: answer.first.offset + at })
      })
    } else if (answer.type === 'delivered') {
      for (const { id, lease } of answer.messages) this.#leases.push({ id, lease })
      if (answer.messages.length > 0) this.#meet('delivered')
    } else this.#meet(answer.type)
  }

  #compareEvents(events: readonly QueueEvent[]): void {
    const told = new Map<string, QueueEvent & { readonly type: 'changed' }>(
      events.flatMap((event) => (event.type === 'changed' ? [[`${event.queue.generation}/${event.queue.partition}`, event] as const] : [])),
    )
    for (const [name, counts] of this.#model.store.counts) {
      for (const [what, count] of Object.entries(counts)) same(told.get(name)?.[what as keyof typeof counts], count, { name, what })
    }
  }

  #compareStates(): void {
    const { state } = this.#machine
    const { store } = this.#model
    for (const { ref } of store.partitions.values()) {
      const deliverable = store.deliverable(ref)
      same(idsOf([...peek(state, ref)]), idsOf(deliverable), ref)
      const views = [...viewMessages(state, ref)].map((view) => [
        view.id,
        view.state,
        view.delivered,
        view.failed,
        view.priority,
        view.key,
        view.consumer,
      ])
      const expected = store.of(ref).filter(({ settled }) => !settled)
      same(
        views,
        expected.map((each) => [each.id, each.state, each.lease, each.failed, each.priority, each.key, each.consumer]),
        ref,
      )
      const inFlight = store.of(ref).filter((each) => each.state === 'leased').length
      const isPaused = store.definitions.get(ref.generation)?.settings.paused === true
      same(isReady(state, ref), deliverable.length > 0 && !isPaused && inFlight < this.#limits.inFlightMax, ref)
    }
    same(state.nextDeadline(), { time: store.nextTime(), wall: store.nextWall() }, 'deadlines')
    const live = [...new Set(store.messages.map(({ id }) => id.index))].sort((left, right) => left - right)
    same(
      [...this.#machine.live()].flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at)),
      live,
      'live',
    )
    same(
      this.#machine.deadBodies().some(({ from, to }) => live.some((index) => index >= from && index <= to)),
      false,
      'dead bodies',
    )
  }

  /** Every entry is live, dead, or being carried out. */
  #compareDead(): void {
    const [live, dead] = [[...this.#machine.live()], this.#machine.deadBodies()]
    for (const index of this.#brought) {
      const isIn = ({ from, to }: IndexRange): boolean => index >= from && index <= to
      if (index !== this.#index) assert(live.some(isIn) !== dead.some(isIn), 'a body is needed or not')
    }
  }

  #draw(): QueueCommand {
    const prng = this.#prng
    const type = prng.pick(kinds)
    switch (type) {
      case 'produce':
        return this.#produce()
      case 'consume':
        return {
          type,
          queue: this.#queue(),
          consumer: consumerId(prng.pick(['c', 'd'])),
          max: prng.pick([1, 1, 2, 10]),
          bytesMax: prng.pick([1_000, 64]),
          visibilityMs: prng.pick([null, 200]),
        }
      case 'ack':
        return { type, receipts: this.#receipts() }
      case 'nack':
        return { type, receipts: this.#receipts(), kind: this.#nackKind() }
      case 'extend':
        return { type, receipts: this.#receipts(), visibilityMs: prng.pick([0, 1_000]) }
      case 'configure': {
        const number = prng.between(1, this.#generation)
        const revision = prng.between(1, this.#index)
        return {
          type,
          queue: definitionOf(`q${number}`, number, this.#settings(), revision),
          catalogueVersion: prng.between(1, this.#index),
        }
      }
      case 'cancel':
        return { type, ids: this.#idsOf('scheduled') }
      case 'forwarded':
      case 'return':
        return { type, ids: this.#idsOf('moving') }
      case 'postpone':
        return { type, ids: this.#idsOf('moving'), delayMs: prng.pick([1, 300]) }
      case 'release-consumer':
        return { type, consumer: consumerId(prng.pick(['c', 'd', 'e'])) }
      case 'purge':
        return { type, queue: this.#queue(), dead: prng.chance(0.3) }
      case 'redrive':
        return {
          type,
          queue: this.#queue(),
          from: prng.pick(['dead', 'dead', 'ready']),
          rate: prng.pick([null, 1, 20]),
          max: prng.pick([null, 1, 4]),
        }
      case 'cancel-redrive':
        return { type, queue: this.#queue() }
      case 'delete-queue': {
        const number = prng.chance(0.5) ? ++this.#generation : prng.between(1, this.#generation)
        return { type, generation: generation(number), catalogueVersion: prng.between(1, this.#index) }
      }
      case 'expire-due':
        return { type }
    }
  }

  #queue(): PartitionRef {
    return queueOf(
      this.#prng.pick([1, 1, 1, 1, 1, 1, 2, this.#generation]),
      this.#prng.pick([0, 0, 0, 0, 0, 0, 1, this.#prng.pick([1, 4])]),
    )
  }

  #settings(): Partial<QueueSettings> {
    const prng = this.#prng
    return {
      visibilityMs: prng.pick([100, 1_000]),
      maxFailures: prng.pick([0, 1, 2, 20]),
      expiryFails: prng.chance(0.7),
      retry: {
        growth: prng.pick(['fixed', 'exponential']),
        delayMs: prng.pick([0, 50, 400]),
        maxMs: 1_000,
        jitterPercent: prng.pick([0, 50]),
      },
      deadLetterQueue: prng.pick([null, queueName('dead')]),
      maxLength: prng.pick([null, null, 3, 6]),
      overflow: prng.pick(['reject', 'drop-head']),
      ttlMs: prng.pick([null, null, null, 800]),
      dedupeWindowMs: prng.pick([0, 500, 2_000]),
      paused: prng.chance(0.05),
    }
  }

  #produce(): Produce {
    const prng = this.#prng
    const plain = prng.chance(0.4)
    const messages = Array.from({ length: prng.pick([1, 1, 2, 5]) }, () => (plain && prng.chance(0.9) ? message('x') : this.#message()))
    const queue = this.#queue()
    if (prng.chance(0.7)) return { type: 'produce', queue, producer: null, messages }
    const id = prng.pick(['p', 'q', 'r'])
    const next = (this.#sequences.get(id) ?? 0) + 1
    const sequence = Math.max(1, next + prng.pick([0, 0, 0, 0, 0, -1, -3, 1]))
    this.#sequences.set(id, prng.chance(0.05) ? 0 : Math.max(next - 1, sequence))
    return { type: 'produce', queue, producer: { id: producerId(id), sequence }, messages }
  }

  #message(): Message {
    const prng = this.#prng
    return message('x'.repeat(prng.pick([0, 5, 40])), {
      key: prng.pick([null, null, 'k', 'k', 'l']),
      priority: prng.pick([0, 0, 0, 1, 9]),
      delay: prng.pick([
        { type: 'none' },
        { type: 'none' },
        { type: 'after', ms: 150 },
        { type: 'at', instant: wallMillis(epoch + this.#time + prng.pick([-5, 300])) },
      ] as const),
      ttlMs: prng.pick([null, null, null, 250]),
      dedupeId: prng.pick([null, null, 'a', 'b', 'c']),
    })
  }

  #receipts(): Receipt[] {
    return Array.from({ length: this.#prng.pick([1, 1, 2, 4]) }, () => {
      const recent = this.#leases.slice(-6)
      const lease = recent.length > 0 && this.#prng.chance(0.9) ? this.#prng.pick(recent) : { id: this.#anyId(), lease: null }
      return { id: lease.id, lease: this.#prng.chance(0.3) ? null : lease.lease }
    })
  }

  #idsOf(state: StateName): MessageId[] {
    const those = this.#model.store.messages.filter((each) => each.state === state).map(({ id }) => id)
    const draw = (): MessageId => (those.length > 0 && this.#prng.chance(0.8) ? this.#prng.pick(those) : this.#anyId())
    return Array.from({ length: this.#prng.pick([1, 1, 3]) }, draw)
  }

  #anyId(): MessageId {
    const known = this.#known.slice(-20)
    const id = known.length > 0 ? this.#prng.pick(known) : { slot: identity.slot, index: 1, offset: 0, check: 0 }
    return this.#prng.chance(0.95)
      ? id
      : this.#prng.pick([
          { ...id, check: Math.abs(id.check - 1) },
          { ...id, slot: 1 },
          { ...id, offset: 900 },
        ])
  }

  #nackKind(): NackKind {
    return this.#prng.pick([
      { type: 'release', delayMs: 0 },
      { type: 'release', delayMs: 200 },
      { type: 'fail', delayMs: null },
      { type: 'fail', delayMs: null },
      { type: 'fail', delayMs: 0 },
      { type: 'fail', delayMs: 300 },
      { type: 'reject' },
    ] as const)
  }
}

const idsOf = (views: readonly { readonly id: MessageId }[]): unknown => views.map(({ id }) => id)

function same(actual: unknown, expected: unknown, about: unknown): void {
  if (isSame(actual, expected)) return
  throw new Error(`${JSON.stringify(actual)}\n  instead of\n${JSON.stringify(expected)}\n  about ${JSON.stringify(about)}`)
}

/** Of plain data, whatever the order of its fields. */
function isSame(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return left === right
  const names = Object.keys(left)
  const of = (value: object, name: string): unknown => (value as Readonly<Record<string, unknown>>)[name]
  return names.length === Object.keys(right).length && names.every((name) => isSame(of(left, name), of(right, name)))
}

const isEqual = (left: Iterable<Uint8Array>, right: Iterable<Uint8Array>): boolean => isSame(concat([...left]), concat([...right]))

const tellsOf =
  ({ generation: of, partition }: PartitionRef) =>
  (event: QueueEvent): boolean =>
    event.type === 'changed'
      ? event.queue.generation === of && event.queue.partition === partition
      : event.type === 'queue-configured' && event.generation === of
