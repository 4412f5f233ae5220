import { present } from '#base/assert.ts'
import type { MessageView } from '#core/queue/queries.ts'
import type { QueueState } from '#core/queue/state.ts'
import type { Message, PartitionChange, PartitionRef } from '#core/queue/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Leadership } from '#runtime/leadership.ts'
import type { Bodies } from './bodies.ts'
import type { ConsumerDesk } from './consumer-desk.ts'
import type { PeerAnswer } from './peer-messages.ts'
import { RateMeter } from './rates.ts'
import { queueServiceLimits as limits } from './limits.ts'
import type { MessagesShown, SlotQuestion } from './slot-views.ts'
import { messagesOf, messageStat, placeOf, statsOf, untouchedStat } from './slot-views.ts'

export interface SlotDeskPorts {
  readonly clock: Clock
  readonly bodies: Bodies
  readonly consumers: Pick<ConsumerDesk, 'waitingFor' | 'waitedFor'>
  readonly leadership: (group: number) => Leadership | null
  readonly leaderOf: (group: number) => string | null
  readonly ledState: (group: number) => QueueState | null
  /** Once the machine here has applied everything that was answered until now anywhere; false when that could not be known in time. */
  readonly caughtUp: (group: number, done: (isSo: boolean) => void) => void
}

/** Tells of the slots that this node leads. */
export class SlotDesk {
  readonly #ports: SlotDeskPorts
  readonly #rates: RateMeter

  constructor(ports: SlotDeskPorts) {
    this.#ports = ports
    this.#rates = new RateMeter(ports.clock)
  }

  changed(group: number, change: PartitionChange): void {
    this.#rates.changed(keyOf(group, change.queue), change)
  }

  /** Linearizably: a leader may be one no longer, or have applied less than its followers. */
  look(group: number, question: Uint8Array, answer: (answer: PeerAnswer) => void): void {
    if (this.#ports.ledState(group) === null) return answer(this.#elsewhere(group))
    this.#ports.caughtUp(group, (isSo) => (isSo ? this.#look(group, question, answer) : answer({ type: 'elsewhere', leader: null })))
  }

  #look(group: number, question: Uint8Array, answer: (answer: PeerAnswer) => void): void {
    const state = this.#ports.ledState(group)
    const leadership = this.#ports.leadership(group)
    if (state === null || leadership === null) return answer(this.#elsewhere(group))
    const asked = JSON.parse(new TextDecoder().decode(question)) as SlotQuestion
    const wall = this.#ports.clock.wall()
    if (asked.type === 'partitions') {
      const generations = new Set(asked.generations)
      const stats = [...statsOf(state, generations, wall), ...this.#untouched(group, state, generations)].map((stat) => ({
        ...stat,
        rates: this.#rates.of(keyOf(group, stat.queue)),
        consumers: this.#consumersOf(group, state, stat.queue),
      }))
      return answer(viewOf(stats))
    }
    const views = messagesOf(state, asked)
    this.#read(group, views, [], (read) => {
      const now = { wall, machineTime: leadership.machineTime }
      const messages = read.map((message, at) => messageStat(present(views[at], 'what was read was asked for'), message, now))
      const next = views[read.length]
      const shown: MessagesShown = { messages, next: next === undefined ? null : placeOf(next.id) }
      answer(viewOf(shown))
    })
  }

  /** Messages in order, until there are enough bytes. */
  #read(group: number, views: readonly MessageView[], read: (Message | null)[], done: (read: readonly (Message | null)[]) => void): void {
    const ids = views.slice(read.length, read.length + limits.shownAtOnce).map(({ id }) => id)
    if (ids.length === 0) return done(read)
    this.#ports.bodies.read(group, ids, (messages) => {
      for (const message of messages) {
        if (read.length > 0 && sum([...read, message].map(bytesOf)) > limits.shownBytesMax) return done(read)
        read.push(message)
      }
      this.#read(group, views, read, done)
    })
  }

  /** Of partitions that somebody waits at and nothing was ever sent to. */
  #untouched(group: number, state: QueueState, generations: ReadonlySet<number>): readonly ReturnType<typeof untouchedStat>[] {
    return [...this.#ports.consumers.waitedFor(group)].flatMap((queue) => {
      const known = generations.has(queue.generation) && state.find(queue) === undefined ? state.queues.get(queue.generation) : undefined
      return known === undefined ? [] : [untouchedStat(queue, known.definition.name)]
    })
  }

  #elsewhere(group: number): PeerAnswer {
    return { type: 'elsewhere', leader: this.#ports.leaderOf(group) }
  }

  /** Who has messages of the partition, or waits for one. */
  #consumersOf(group: number, state: QueueState, queue: PartitionRef): { id: string; inFlight: number; waiting: boolean }[] {
    const partition = state.find(queue)
    const counts = new Map<string, { inFlight: number; waiting: boolean }>()
    for (const id of this.#ports.consumers.waitingFor(group, queue)) counts.set(id, { inFlight: 0, waiting: true })
    for (const consumer of state.consumers.all()) {
      let inFlight = 0
      for (const record of state.consumers.leasesOf(consumer)) if (state.partitionOf(record) === partition) inFlight++
      if (inFlight > 0) counts.set(consumer.id, { inFlight, waiting: counts.get(consumer.id)?.waiting ?? false })
    }
    return [...counts].map(([id, count]) => ({ id, ...count }))
  }
}

const bytesOf = (message: Message | null): number =>
  message === null ? 0 : message.body.length + sum(message.headers.map(({ name, value }) => name.length + value.length))

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

const keyOf = (group: number, { generation, partition }: PartitionRef): string => `${group}/${generation}/${partition}`

const viewOf = (value: unknown): PeerAnswer => ({ type: 'view', view: new TextEncoder().encode(JSON.stringify(value)) })
