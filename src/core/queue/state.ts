import type { Millis, WallMillis } from '#base/brand.ts'
import { millis, wallMillis } from '#base/brand.ts'
import { assert } from '#base/assert.ts'
import { BatchCounts } from './batch-counts.ts'
import { Consumers } from './consumers.ts'
import { DeadBodies } from './dead-bodies.ts'
import { DedupeWindow } from './dedupe-window.ts'
import type { DedupeTotals } from './dedupe-window.ts'
import { textHash } from './entry-check.ts'
import type { KeyQueue } from './keys.ts'
import { Keys } from './keys.ts'
import { Ledger } from './ledger.ts'
import type { QueueLimits } from './limits.ts'
import { Producers } from './producers.ts'
import type { ProducerTotals } from './producers.ts'
import { ReadyQueue } from './ready-queue.ts'
import { RecordHeap } from './record-heap.ts'
import type { RecordNumber } from './records.ts'
import { Records } from './records.ts'
import type {
  Generation,
  NextDeadline,
  PartitionChange,
  PartitionRef,
  QueueContext,
  QueueDefinition,
  QueueEvent,
  Redrive,
} from './types.ts'

export interface Queue {
  definition: QueueDefinition
  /** By number; made by the first message. */
  readonly partitions: Map<number, Partition>
}

/** Of a message, or of the first one there may be. */
export interface Place {
  readonly index: number
  readonly offset: number
}

/** Moves messages, at most so many per second. */
export interface RedriveJob {
  readonly from: Redrive['from']
  readonly rate: number | null
  readonly startedAt: Millis
  /** How many it moves at most. */
  readonly max: number
  moved: number
  /** What is ready is taken from here on. */
  next: Place
}

/** How many records are in each state. Leased counts those that are settled and over with their lease. */
export interface StateCounts {
  scheduled: number
  /** Deliverable, and behind others of their key. */
  ready: number
  leased: number
  /** Of `leased`: settled. */
  settled: number
  dead: number
  moving: number
}

export interface Partition {
  /** In this machine; says nothing about the state. */
  readonly number: number
  readonly queue: Queue
  readonly ref: PartitionRef
  readonly ledger: Ledger
  readonly deliverable: ReadyQueue
  /** Dead, and on their way to the dead letters. */
  readonly dead: RecordHeap
  readonly counts: StateCounts
  readonly keys: Map<string, KeyQueue>
  readonly dedupe: DedupeWindow
  readonly producers: Producers
  redrive: RedriveJob | null
}

/** Who the machine is: the same on every replica. */
export interface SlotIdentity {
  readonly clusterId: string
  readonly slot: number
}

/** Everything that is replicated of one slot. Changed only by commands, read at leisure in between. */
export class QueueState {
  readonly identity: SlotIdentity
  readonly clusterHash: number
  readonly limits: QueueLimits
  readonly queues = new Map<Generation, Queue>()
  readonly #partitions: (Partition | null)[] = []
  readonly #freeNumbers: number[] = []
  readonly records = new Records()
  readonly keys = new Keys(this.records)
  readonly consumers = new Consumers(this.records)
  readonly deadlines = new RecordHeap(this.records, 'deadline')
  /** Of what is scheduled for an instant of the wall clock. */
  readonly instants = new RecordHeap(this.records, 'deadline')
  /** Those that move to another queue and are not postponed. */
  readonly outbox = new Set<RecordNumber>()
  readonly redrives = new Set<Partition>()
  readonly dedupeTotals: DedupeTotals = { ids: 0, bytes: 0 }
  readonly producerTotals: ProducerTotals = { producers: 0 }
  /** The newest version of the catalogue in which a queue was deleted that this slot was told of (decision Q9). */
  deletedAt = 0
  readonly batches = new BatchCounts()
  /** The entry being carried out, and how many messages its commands so far have. */
  #entry = { index: 0, messages: 0 }
  readonly deadBodies = new DeadBodies()
  /** Of the last entry that was applied. */
  time: Millis = millis(0)
  wall: WallMillis = wallMillis(0)

  constructor(identity: SlotIdentity, limits: QueueLimits) {
    this.identity = identity
    this.clusterHash = textHash(identity.clusterId)
    this.limits = limits
  }

  /** A command of this entry is carried out, which brings so many messages: the offset of the first. */
  count(index: number, messages: number): number {
    const dead = this.batches.enter(index)
    if (dead !== null) this.deadBodies.add(dead)
    const start = index === this.#entry.index ? this.#entry.messages : 0
    this.#entry = { index, messages: start + messages }
    return start
  }

  openBatch({ ledger }: Partition, batch: Parameters<Ledger['open']>[0]): void {
    ledger.open(batch)
    this.batches.add()
  }

  /** Its last message is settled. */
  forgetBatch(index: number): void {
    if (this.batches.settle(index)) this.deadBodies.add(index)
  }

  get partitionCount(): number {
    return this.#partitions.length - this.#freeNumbers.length
  }

  *partitions(): IterableIterator<Partition> {
    for (const partition of this.#partitions) if (partition !== null) yield partition
  }

  find({ generation, partition }: PartitionRef): Partition | undefined {
    return this.queues.get(generation)?.partitions.get(partition)
  }

  /** Of a record. */
  partitionOf(record: RecordNumber): Partition {
    const partition = this.#partitions[this.records.partition[record] as number]
    assert(partition !== null && partition !== undefined, 'a message is in a partition')
    return partition
  }

  addPartition(queue: Queue, partition: number): Partition {
    const number = this.#freeNumbers.pop() ?? this.#partitions.length
    const added: Partition = {
      number,
      queue,
      ref: { generation: queue.definition.generation, partition },
      ledger: new Ledger(),
      deliverable: new ReadyQueue(this.records),
      dead: new RecordHeap(this.records, 'place'),
      counts: { scheduled: 0, ready: 0, leased: 0, settled: 0, dead: 0, moving: 0 },
      keys: new Map(),
      dedupe: new DedupeWindow(this.dedupeTotals),
      producers: new Producers(this.producerTotals),
      redrive: null,
    }
    this.#partitions[number] = added
    queue.partitions.set(partition, added)
    return added
  }

  removePartition({ number, queue, ref }: Partition): void {
    this.#partitions[number] = null
    this.#freeNumbers.push(number)
    queue.partitions.delete(ref.partition)
  }

  nextDeadline(): NextDeadline {
    const [first, instant] = [this.deadlines.peek(), this.instants.peek()]
    const { deadline } = this.records
    let time = first < 0 ? Infinity : (deadline[first] as number)
    for (const { redrive } of this.redrives) if (redrive !== null) time = Math.min(time, nextMoveAt(redrive))
    return { time: time === Infinity ? null : millis(time), wall: instant < 0 ? null : wallMillis(deadline[instant] as number) }
  }
}

/** When the next message of it is due: the first at once. */
export const nextMoveAt = ({ startedAt, rate, moved }: RedriveJob): number => startedAt + (rate === null ? 0 : (moved * 1_000) / rate)

/** All that a limit of length counts. */
export const lengthOf = ({ ledger, counts }: Partition): number =>
  ledger.untouched + counts.scheduled + counts.ready + counts.leased - counts.settled

type Counter = Exclude<keyof PartitionChange, 'type' | 'queue'>
export type Change = { -readonly [K in keyof PartitionChange]: PartitionChange[K] }

/** One command being carried out. */
export class Step {
  readonly state: QueueState
  readonly context: QueueContext
  readonly #changes = new Map<Partition, Change>()
  readonly #events: QueueEvent[] = []
  #last: Partition | null = null
  #lastChange: Change | null = null

  constructor(state: QueueState, context: QueueContext) {
    this.state = state
    this.context = context
  }

  count(partition: Partition, counter: Counter, by = 1): void {
    const change = this.#changeOf(partition)
    change[counter] += by
  }

  report(event: QueueEvent): void {
    this.#events.push(event)
  }

  /** It came into being in this entry, or is gone with it: nobody is told of its messages. */
  forget(partition: Partition): void {
    this.#changes.delete(partition)
    this.#last = null
  }

  events(): QueueEvent[] {
    return [...this.#changes.values(), ...this.#events]
  }

  #changeOf(partition: Partition): Change {
    if (partition === this.#last && this.#lastChange !== null) return this.#lastChange
    const change = this.#changes.get(partition) ?? newChange(partition.ref)
    this.#changes.set(partition, change)
    this.#last = partition
    this.#lastChange = change
    return change
  }
}

const newChange = (queue: PartitionRef): Change => ({
  type: 'changed',
  queue,
  enqueued: 0,
  delivered: 0,
  acknowledged: 0,
  returned: 0,
  failed: 0,
  dead: 0,
  forwarded: 0,
  expired: 0,
  dropped: 0,
  available: 0,
  freed: 0,
})
