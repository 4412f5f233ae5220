import { assert, present } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { Deque } from '#base/deque.ts'
import { groupBy } from '#base/group-by.ts'
import { encodeCommand } from '#core/queue/command-codec.ts'
import { isHeldUp, isReady, viewPartition } from '#core/queue/queries.ts'
import type { QueueState } from '#core/queue/state.ts'
import { byteLength } from '#core/queue/text-size.ts'
import type { Message, MessageId, PartitionRef, QueueAnswer, QueueEvent, Receipt } from '#core/queue/types.ts'
import type { Clock } from '#ports/clock.ts'
import type { Telemetry } from '#ports/telemetry.ts'
import { Deadlines } from '#runtime/deadlines.ts'
import type { Forwarded } from '#services/common/group-path.ts'
import type { Bodies } from './bodies.ts'
import { queueServiceLimits as limits } from './limits.ts'
import type { Consume, Delivered, PeerAnswer } from './peer-messages.ts'
import { answerOf } from './queue-path.ts'
import { UnreadableEntries } from './unreadable-entries.ts'

export interface ConsumerDeskPorts {
  readonly clock: Clock
  readonly bodies: Bodies
  readonly telemetry: Telemetry
  readonly post: (task: () => void) => void
  /** The state of the replica here, if it leads and has caught up with its term. */
  readonly ledState: (group: number) => QueueState | null
  readonly leaderOf: (group: number) => string | null
  /** Nobody else can lead at this moment, so what is not here is nowhere. */
  readonly vouchesFor: (group: number) => boolean
  readonly submit: (group: number, command: Uint8Array, done: (forwarded: Forwarded) => void) => void
}

/**
 * Consumers that wait at the leader of a slot, in the order in which they came.
 *
 * A consume is logged only when there is something to deliver: never more at one time than there are messages, so that those in front get theirs.
 * A consumer that left gives back what was leased to it without penalty (decision Q10), and so does one for what cannot be read.
 */
export class ConsumerDesk {
  readonly #ports: ConsumerDeskPorts
  readonly #lanes = new Map<string, Lane>()
  readonly #tickets = new Map<string, Waiter>()
  readonly #deadlines: Deadlines<Waiter>
  readonly #unreadable = new UnreadableEntries()
  /** Groups of which something was to be served while the replica here did not lead, or was not sure to. */
  readonly #unserved = new Set<number>()

  constructor(ports: ConsumerDeskPorts) {
    this.#ports = ports
    this.#deadlines = new Deadlines(ports, (waiter) => this.#timedOut(waiter))
  }

  consume(group: number, request: Consume, answer: (answer: PeerAnswer) => void): void {
    const state = this.#ports.ledState(group)
    if (state === null) return answer(this.#elsewhere(group))
    if (!state.queues.has(request.queue.generation)) return answer({ type: 'gone' })
    const known = this.#tickets.get(request.ticket)
    if (known !== undefined) return void known.answers.push(answer)
    const lane = this.#laneOf(group, request.queue)
    const deadline = millis(this.#ports.clock.now() + request.waitMs)
    const waiter: Waiter = { lane, request, deadline, answers: [answer], asking: false, gone: false }
    if (request.waitMs === 0 && !isReady(state, request.queue)) return answer(this.#nothing(group, request.queue))
    this.#tickets.set(request.ticket, waiter)
    this.#deadlines.add(waiter)
    lane.waiting.push(waiter)
    this.#serve(lane)
  }

  /** Whoever waits under the ticket hears nothing any more, and gets nothing. */
  leave(ticket: string): void {
    const waiter = this.#tickets.get(ticket)
    if (waiter !== undefined) this.#end(waiter, null)
  }

  /** Who waits for messages of the partition. */
  waitingFor(group: number, queue: PartitionRef): ReadonlySet<string> {
    const waiting = this.#lanes.get(keyOf(group, queue))?.waiting ?? []
    return new Set([...waiting].filter(({ gone }) => !gone).map(({ request }) => request.consumer))
  }

  /** The partitions of a slot that somebody waits at. */
  *waitedFor(group: number): IterableIterator<PartitionRef> {
    for (const lane of this.#lanes.values()) if (lane.group === group && lane.waiting.length > 0) yield lane.queue
  }

  /** What the replica here has applied: messages came, or there is room for more leases. */
  applied(group: number, events: readonly QueueEvent[]): void {
    for (const event of events) {
      if (event.type === 'changed') this.#serveSoon(this.#lanes.get(keyOf(group, event.queue)))
      else if (event.type === 'queue-configured') for (const lane of this.#lanesOf(group, event.generation)) this.#serveSoon(lane)
      else if (event.type === 'queue-deleted')
        for (const lane of this.#lanesOf(group, event.generation)) this.#endAll(lane, { type: 'gone' })
    }
  }

  /** The replica here may lead again. */
  look(group: number): void {
    if (!this.#unserved.delete(group)) return
    for (const lane of this.#lanes.values()) if (lane.group === group) this.#serveSoon(lane)
  }

  /** The replica here leads, or does not any more: then everybody is sent on. */
  roleChanged(group: number): void {
    if (this.#ports.ledState(group) !== null) return
    for (const lane of this.#lanes.values()) if (lane.group === group) this.#endAll(lane, this.#elsewhere(group))
  }

  /** Nobody waits here for what nobody else has asked for. */
  checkInvariants(): void {
    for (const { group, queue, waiting, claimed, soon, resting } of this.#lanes.values()) {
      const state = this.#ports.ledState(group)
      if (state === null || soon || resting || !isReady(state, queue) || [...waiting].every(({ gone }) => gone)) continue
      const view = present(viewPartition(state, queue), 'a partition that is ready is there')
      assert(claimed >= view.deliverable, 'nobody waits while something is left for it')
    }
  }

  /** Events come while entries are being applied; what follows from them is asked for afterwards. */
  #serveSoon(lane: Lane | undefined): void {
    if (lane === undefined || lane.soon || lane.waiting.length === 0) return
    lane.soon = true
    this.#ports.post(() => {
      lane.soon = false
      this.#serve(lane)
    })
  }

  #serve(lane: Lane): void {
    const state = this.#ports.ledState(lane.group)
    if (state === null) return void this.#unserved.add(lane.group)
    if (lane.resting || !isReady(state, lane.queue)) return
    const { deliverable } = present(viewPartition(state, lane.queue), 'a partition that is ready is there')
    while (lane.claimed < deliverable) {
      const waiter = this.#next(lane)
      if (waiter === null) return
      this.#ask(waiter)
    }
  }

  #next({ waiting }: Lane): Waiter | null {
    for (let first = waiting.shift(); first !== undefined; first = waiting.shift()) if (!first.gone) return first
    return null
  }

  #ask(waiter: Waiter): void {
    const { lane, request } = waiter
    const { consumer, max, visibilityMs } = request
    waiter.asking = true
    lane.claimed += max
    const command = encodeCommand({ type: 'consume', queue: lane.queue, consumer, max, bytesMax: limits.answerBytesMax, visibilityMs })
    this.#ports.submit(lane.group, command, (forwarded) => {
      lane.claimed -= max
      if (forwarded.ok) this.#answered(waiter, answerOf(forwarded.value))
      else this.#end(waiter, this.#elsewhere(lane.group))
      // What it claimed and did not get is for others.
      this.#serveSoon(lane)
      this.#forgetIfEmpty(lane)
    })
  }

  #answered(waiter: Waiter, answer: QueueAnswer): void {
    switch (answer.type) {
      case 'delivered':
        return answer.messages.length === 0 ? this.#waitOn(waiter) : this.#deliver(waiter, answer)
      case 'refused':
        return this.#refused(waiter, answer.code)
      default:
        throw new Error(`a consume was answered with ${answer.type}`)
    }
  }

  #refused(waiter: Waiter, code: Extract<QueueAnswer, { type: 'refused' }>['code']): void {
    switch (code) {
      case 'unknown_queue':
        return this.#end(waiter, { type: 'gone' })
      case 'queue_paused':
      case 'in_flight_full':
        return this.#waitOn(waiter)
      case 'too_many_consumers':
        return this.#end(waiter, { type: 'refused', code })
      default:
        return this.#end(waiter, { type: 'refused', code: 'invalid' })
    }
  }

  /** Others were quicker, so it goes back to the front. */
  #waitOn(waiter: Waiter): void {
    if (waiter.gone) return
    waiter.asking = false
    const { lane } = waiter
    // When the leader was deposed, those who were not being asked for have been sent on.
    if (this.#ports.ledState(lane.group) === null) return this.#end(waiter, this.#elsewhere(lane.group))
    if (this.#ports.clock.now() >= waiter.deadline) return this.#end(waiter, this.#nothing(lane.group, lane.queue))
    lane.waiting.unshift(waiter)
    this.#serve(lane)
  }

  #deliver(waiter: Waiter, { messages, visibleUntil }: Extract<QueueAnswer, { type: 'delivered' }>): void {
    const { group } = waiter.lane
    const receipts = receiptsOf(messages)
    if (waiter.gone) return this.#giveBack(group, receipts)
    const ids = messages.map(({ id }) => id)
    this.#ports.bodies.read(group, ids, (read) => {
      const delivered = messages.flatMap((delivery, place) => {
        const message = read[place] ?? null
        return message === null ? [] : [{ ...delivery, message }]
      })
      this.#noteRead(waiter.lane, delivered)
      this.#putBack(
        waiter.lane,
        receipts.filter((_, place) => (read[place] ?? null) === null),
        delivered.length === 0,
      )
      if (delivered.length === 0) return this.#end(waiter, { type: 'elsewhere', leader: null })
      if (waiter.gone) return this.#giveBack(group, receiptsOf(delivered))
      const answered = delivered.slice(0, fittingOf(delivered))
      // First, so that whoever asks next finds them at their place.
      if (answered.length < delivered.length) this.#giveBack(group, receiptsOf(delivered.slice(answered.length)))
      this.#measure(answered)
      return this.#end(waiter, { type: 'delivered', messages: answered, visibleUntil })
    })
  }

  /** One message of an answer, which costs a busy leader nothing to speak of. */
  #measure(answered: readonly Delivered[]): void {
    const { telemetry, clock } = this.#ports
    const first = answered.find(({ lease }) => lease === 1)
    if (first !== undefined) telemetry.observe('lockstep_queue_delivery_seconds', {}, Math.max(0, clock.wall() - first.enqueuedAt) / 1_000)
  }

  #noteRead(lane: Lane, delivered: readonly { readonly id: MessageId }[]): void {
    if (delivered.length > 0) lane.failures = 0
    for (const { id } of delivered) this.#unreadable.read(lane.group, id.index)
  }

  /**
   * What could not be read goes back without penalty. The first few times to its place, and then the partition rests when there was nothing else, or
   * the log would hold little but attempts; after that out of the way. One with a key holds that up all the while.
   */
  #putBack(lane: Lane, receipts: readonly Receipt[], nothingElse: boolean): void {
    if (receipts.length === 0) return
    this.#ports.telemetry.count('lockstep_queue_unreadable_total', {}, receipts.length)
    let asideMs = Infinity
    for (const [index, ofEntry] of groupBy(receipts, ({ id }) => id.index)) {
      const failed = this.#unreadable.failed(lane.group, index)
      if (failed.failures === 1) this.#ports.telemetry.log('warn', 'bodies-unreadable', { slot: lane.group, entry: index, ...lane.queue })
      this.#giveBack(lane.group, ofEntry, failed.asideMs)
      asideMs = Math.min(asideMs, failed.asideMs)
    }
    if (nothingElse && asideMs === 0) this.#rest(lane)
  }

  #rest(lane: Lane): void {
    if (lane.resting) return
    const restMs = Math.min(limits.unreadableRestMs * 2 ** lane.failures, limits.unreadableRestMsMax)
    lane.failures++
    lane.resting = true
    // It may have been forgotten meanwhile, with nobody in it.
    this.#lanes.set(lane.key, this.#lanes.get(lane.key) ?? lane)
    this.#ports.clock.after(restMs, () => {
      this.#ports.post(() => {
        lane.resting = false
        this.#serve(lane)
        this.#forgetIfEmpty(lane)
      })
    })
  }

  #giveBack(group: number, receipts: readonly Receipt[], delayMs = 0): void {
    this.#ports.submit(group, encodeCommand({ type: 'nack', receipts, kind: { type: 'release', delayMs } }), () => {})
  }

  /** What was asked of the log before comes back by itself. */
  #timedOut(waiter: Waiter): void {
    if (!waiter.asking) this.#end(waiter, this.#nothing(waiter.lane.group, waiter.lane.queue))
  }

  #elsewhere(group: number): PeerAnswer {
    return { type: 'elsewhere', leader: this.#ports.leaderOf(group) }
  }

  /** A leader that was deposed and does not know it yet has not heard of the newest messages. */
  #nothing(group: number, queue: PartitionRef): PeerAnswer {
    const state = this.#ports.ledState(group)
    if (state === null || !this.#ports.vouchesFor(group)) return { type: 'elsewhere', leader: null }
    return isHeldUp(state, queue) ? { type: 'refused', code: 'in_flight_full' } : { type: 'empty' }
  }

  #endAll(lane: Lane, answer: PeerAnswer): void {
    for (let waiter = this.#next(lane); waiter !== null; waiter = this.#next(lane)) this.#end(waiter, answer)
  }

  #end(waiter: Waiter, answer: PeerAnswer | null): void {
    if (waiter.gone) return
    waiter.gone = true
    this.#deadlines.delete(waiter)
    this.#tickets.delete(waiter.request.ticket)
    if (answer !== null) for (const tell of waiter.answers) tell(answer)
    this.#forgetIfEmpty(waiter.lane)
  }

  #laneOf(group: number, queue: PartitionRef): Lane {
    const key = keyOf(group, queue)
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const lane: Lane = { group, queue, key, waiting: new Deque(), claimed: 0, soon: false, resting: false, failures: 0 }
    this.#lanes.set(key, lane)
    return lane
  }

  *#lanesOf(group: number, generation: number): Iterable<Lane> {
    for (const lane of this.#lanes.values()) if (lane.group === group && lane.queue.generation === generation) yield lane
  }

  #forgetIfEmpty(lane: Lane): void {
    for (let first = lane.waiting.at(0); first?.gone === true; first = lane.waiting.at(0)) lane.waiting.shift()
    if (lane.waiting.length === 0 && lane.claimed === 0 && !lane.soon && !lane.resting) this.#lanes.delete(lane.key)
  }
}

/** Consumers of one partition. */
interface Lane {
  readonly group: number
  readonly queue: PartitionRef
  readonly key: string
  /** With those in it that have left. */
  readonly waiting: Deque<Waiter>
  /** Messages that were asked of the log and not answered yet. */
  claimed: number
  soon: boolean
  /** Nothing could be read, and nothing is asked for until the rest is over. */
  resting: boolean
  /** How often in a row it rested. */
  failures: number
}

interface Waiter {
  readonly lane: Lane
  readonly request: Consume
  readonly deadline: Millis
  /**
   * To every copy of the question: the network may bring it twice, and whoever asked asks again after its connection broke. It hears the answer
   * to one of them, and nobody knows here to which.
   */
  readonly answers: ((answer: PeerAnswer) => void)[]
  /** The log was asked for messages, or what it gave is being read. */
  asking: boolean
  gone: boolean
}

const receiptsOf = (deliveries: readonly Receipt[]): Receipt[] => deliveries.map(({ id, lease }) => ({ id, lease }))

/** How many of the first of them one answer holds: one at least. The machine counts their bodies, and not what headers they have. */
function fittingOf(delivered: readonly Delivered[]): number {
  let bytes = 0
  for (const [at, { message }] of delivered.entries()) {
    bytes += sizeOf(message)
    if (at > 0 && bytes > limits.answerBytesMax) return at
  }
  return delivered.length
}

const sizeOf = ({ body, headers }: Message): number =>
  headers.reduce((sum, { name, value }) => sum + byteLength(name) + byteLength(value), body.length)

const keyOf = (group: number, { generation, partition }: PartitionRef): string => `${group}/${generation}/${partition}`
