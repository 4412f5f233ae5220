import type { QueueLimits } from './limits.ts'
import type { MessageId, PartitionRef, QueueAnswer, QueueDefinition } from './types.ts'

/**
 * Queues once more, for tests: one list of messages, and every question answered by looking at all of them. No indexes, no links, no segments,
 * no code shared with the machine but ids and the length of a retry.
 */

export interface ModelMessage {
  readonly id: MessageId
  /** Messages of one command have the same. */
  readonly batch: string
  readonly queue: string
  readonly key: string | null
  readonly priority: number
  readonly wall: number
  state: 'scheduled' | 'ready' | 'leased' | 'dead' | 'moving'
  /** When the state ends by itself. */
  until: number
  byWall: boolean
  expires: number
  lease: number
  failed: number
  consumer: string | null
  /** Over, but its lease is not. */
  settled: boolean
  toSource: boolean
}

export interface ModelJob {
  readonly from: 'dead' | 'ready'
  readonly rate: number | null
  readonly startedAt: number
  readonly max: number
  moved: number
  /** The last that was taken of those that were ready. */
  last: MessageId | null
}

export interface ModelPartition {
  readonly ref: PartitionRef
  dedupe: { readonly id: string; readonly message: MessageId; expires: number }[]
  producers: { readonly id: string; last: number; usedAt: number; answers: QueueAnswer[] }[]
  job: ModelJob | null
}

export type ModelCounts = Record<
  'enqueued' | 'delivered' | 'acknowledged' | 'returned' | 'failed' | 'dead' | 'forwarded' | 'expired' | 'dropped',
  number
>

export const nameOf = ({ generation, partition }: PartitionRef): string => `${generation}/${partition}`
const isBefore = (left: MessageId, right: MessageId): boolean =>
  left.index === right.index ? left.offset < right.offset : left.index < right.index
export const byPlace = (left: ModelMessage, right: ModelMessage): number => (isBefore(left.id, right.id) ? -1 : 1)

/** The messages of a slot, and how one goes from state to state. */
export class PlainStore {
  messages: ModelMessage[] = []
  readonly definitions = new Map<number, QueueDefinition>()
  readonly partitions = new Map<string, ModelPartition>()
  readonly limits: QueueLimits
  now = 0
  wall = 0
  counts = new Map<string, ModelCounts>()

  constructor(limits: QueueLimits) {
    this.limits = limits
  }

  of(ref: PartitionRef): ModelMessage[] {
    return this.messages.filter(({ queue }) => queue === nameOf(ref)).sort(byPlace)
  }

  /** In the order in which they would be delivered: of a key only the oldest, and none while one is in flight. */
  deliverable(ref: PartitionRef): ModelMessage[] {
    const all = this.of(ref).filter(({ state }) => state !== 'dead' && state !== 'moving')
    const inFlight = new Set(all.flatMap(({ key, state }) => (state === 'leased' ? [key] : [])))
    const oldest = new Map(all.toReversed().map((message) => [message.key, message]))
    const ready = all.filter((message) => {
      const { key, state } = message
      return state === 'ready' && (key === null || (oldest.get(key) === message && !inFlight.has(key)))
    })
    return ready.sort((left, right) => (left.priority === right.priority ? byPlace(left, right) : right.priority - left.priority))
  }

  nextTime(): number | null {
    const untils = this.messages.flatMap((each) => (this.isTimed(each) && !each.byWall ? [this.deadlineOf(each)] : []))
    const jobs = [...this.partitions.values()].flatMap(({ job }) => (job === null ? [] : [nextMove(job)]))
    const next = Math.min(...untils, ...jobs)
    return next === Infinity ? null : next
  }

  nextWall(): number | null {
    const next = Math.min(...this.messages.flatMap((each) => (each.byWall ? [each.until] : [])))
    return next === Infinity ? null : next
  }

  settingsOf(queue: string): QueueDefinition['settings'] {
    return (this.definitions.get(Number(queue.split('/')[0])) as QueueDefinition).settings
  }

  count(queue: string, what: keyof ModelCounts, by = 1): void {
    const none = { enqueued: 0, delivered: 0, acknowledged: 0, returned: 0, failed: 0, dead: 0, forwarded: 0, expired: 0, dropped: 0 }
    const counts = this.counts.get(queue) ?? none
    counts[what] += by
    this.counts.set(queue, counts)
  }

  isTimed({ state, expires, until }: ModelMessage): boolean {
    return state === 'scheduled' || state === 'leased' || (state === 'ready' && expires < Infinity) || (state === 'moving' && until > 0)
  }

  deadlineOf({ state, expires, until }: ModelMessage): number {
    return state === 'ready' ? expires : until
  }

  expire(): QueueAnswer {
    let count = 0
    for (const byWall of [false, true]) {
      for (;;) {
        const due = this.messages
          .filter((each) => this.isTimed(each) && each.byWall === byWall && this.deadlineOf(each) <= (byWall ? this.wall : this.now))
          .sort(byPlace)
          .sort((left, right) => this.deadlineOf(left) - this.deadlineOf(right))[0]
        if (due === undefined) break
        if (count++ === this.limits.expiriesMax) return { type: 'expired', count: count - 1, more: true }
        this.end(due)
      }
    }
    const sorted = [...this.partitions.values()]
      .sort((left, right) => left.ref.partition - right.ref.partition)
      .sort((left, right) => left.ref.generation - right.ref.generation)
    return { type: 'expired', count, more: sorted.filter((partition) => this.step(partition)).length > 0 }
  }

  end(message: ModelMessage): void {
    if (message.state === 'scheduled') this.ready(message)
    else if (message.state === 'ready') this.gone(message, 'expired')
    else if (message.state === 'moving') message.until = 0
    else this.endLease(message, this.settingsOf(message.queue).expiryFails)
  }

  endLease(message: ModelMessage, fails: boolean): void {
    if (message.settled) this.remove(message)
    else if (!fails || !this.fail(message)) this.return(message, 0)
  }

  ready(message: ModelMessage): void {
    message.state = 'ready'
    message.byWall = false
    message.consumer = null
    if (message.expires <= this.now) this.gone(message, 'expired')
  }

  gone(message: ModelMessage, how: keyof ModelCounts): void {
    this.count(message.queue, how)
    this.remove(message)
  }

  remove(message: ModelMessage): void {
    this.messages = this.messages.filter((other) => other !== message)
  }

  return(message: ModelMessage, delayMs: number): void {
    this.count(message.queue, 'returned')
    if (delayMs === 0) return this.ready(message)
    message.state = 'scheduled'
    message.consumer = null
    message.until = this.now + delayMs
  }

  /** True when it is dead by that. */
  fail(message: ModelMessage): boolean {
    message.failed++
    this.count(message.queue, 'failed')
    const { maxFailures } = this.settingsOf(message.queue)
    if (maxFailures === 0 || message.failed < maxFailures) return false
    this.kill(message)
    return true
  }

  kill(message: ModelMessage): void {
    this.count(message.queue, 'dead')
    message.state = this.settingsOf(message.queue).deadLetterQueue === null ? 'dead' : 'moving'
    message.consumer = null
    message.expires = Infinity
    message.until = 0
    message.toSource = false
  }

  dead(ref: PartitionRef): ModelMessage[] {
    return this.of(ref).filter(({ state, toSource }) => state === 'dead' || (state === 'moving' && !toSource))
  }

  readyAfter(ref: PartitionRef, last: MessageId | null): ModelMessage[] {
    return this.of(ref).filter(({ id, state }) => state === 'ready' && (last === null || isBefore(last, id)))
  }

  sendBack(message: ModelMessage, job: ModelJob): void {
    Object.assign(message, { state: 'moving', toSource: true, until: 0, expires: Infinity })
    job.last = message.id
  }

  /** True when a limit stopped it. */
  step(partition: ModelPartition): boolean {
    const { job, ref } = partition
    if (job === null) return false
    for (let steps = 0; nextMove(job) <= this.now; steps++) {
      if (steps === this.limits.expiriesMax) return true
      const [next] = job.from === 'dead' ? this.dead(ref) : this.readyAfter(ref, job.last)
      if (job.moved >= job.max || next === undefined) break
      if (job.from === 'dead') this.revive(next)
      else this.sendBack(next, job)
      job.moved++
    }
    const isOver = job.moved >= job.max || nextMove(job) <= this.now
    if (isOver) partition.job = null
    return false
  }

  revive(message: ModelMessage): void {
    Object.assign(message, { failed: 0, toSource: false, until: 0 })
    this.ready(message)
  }
}

const nextMove = ({ startedAt, rate, moved }: ModelJob): number => startedAt + (rate === null ? 0 : (moved * 1_000) / rate)
