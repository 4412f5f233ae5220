import { assert } from '#base/assert.ts'
import type { Millis } from '#base/brand.ts'
import { millis } from '#base/brand.ts'
import { Heap } from '#base/heap.ts'
import { entryBytes } from '#core/raft/log.ts'
import { logIndex, term } from '#core/raft/types.ts'
import type { Entry, LogIndex, SnapshotMeta, Term } from '#core/raft/types.ts'
import type { Applied, ReplicatedMachine } from './replicated-machine.ts'

/**
 * Feeds committed entries to the machine, in order, each once. While the machine is being restored from a snapshot, or read for one,
 * and while there is something more urgent to do, entries queue up here.
 */
export class Applier {
  readonly machine: ReplicatedMachine
  readonly #events: ApplierEvents
  #last: AppliedPoint = { index: logIndex(0), term: term(0), time: millis(0) }
  #held = false
  #closed = false
  #queue: (readonly Entry[])[] = []
  readonly #barriers = new Heap<Barrier>((left, right) => left.index < right.index)
  #entriesSinceSnapshot = 0
  #bytesSinceSnapshot = 0

  constructor(machine: ReplicatedMachine, events: ApplierEvents) {
    this.machine = machine
    this.#events = events
  }

  get last(): AppliedPoint {
    return this.#last
  }
  get sinceSnapshot(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entriesSinceSnapshot, bytes: this.#bytesSinceSnapshot }
  }
  get held(): boolean {
    return this.#held
  }

  /** Nothing is applied until `release`. */
  hold(): void {
    assert(!this.#held, 'one reason to hold at a time')
    this.#held = true
  }

  release(): void {
    assert(this.#held, 'only what is held is released')
    this.#held = false
    this.applyQueued()
  }

  /** They are applied with the next ones, or when `applyQueued` is called. */
  enqueue(entries: readonly Entry[]): void {
    this.#queue.push(entries)
  }

  apply(entries: readonly Entry[]): void {
    this.enqueue(entries)
    this.applyQueued()
  }

  applyQueued(): void {
    if (this.#held || this.#queue.length === 0) return
    const queue = this.#queue
    this.#queue = []
    for (const entries of queue) this.#apply(entries)
    this.#advanced()
  }

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.#last.index + 1, 'entries are applied without a gap')
      assert(entry.time >= this.#last.time, 'machine time never goes back')
      const applied = this.machine.apply(entry)
      this.#last = entry
      this.#entriesSinceSnapshot++
      this.#bytesSinceSnapshot += entryBytes(entry)
      this.#events.applied(entry, applied)
    }
  }

  /** The machine now holds exactly this snapshot; entries that were queued before it are in it. */
  restored(snapshot: SnapshotMeta): void {
    assert(this.#held, 'a machine is restored while it is held')
    this.#last = { index: snapshot.index, term: snapshot.term, time: snapshot.time }
    this.#queue = this.#queue
      .map((entries) => entries.filter(({ index }) => index > snapshot.index))
      .filter((entries) => entries.length > 0)
    this.snapshotTaken()
    this.#advanced()
  }

  snapshotTaken(): void {
    this.#entriesSinceSnapshot = 0
    this.#bytesSinceSnapshot = 0
  }

  /** Calls as soon as everything up to `index` is applied, or with false when this machine will not get there any more. */
  whenApplied(index: LogIndex, call: (applied: boolean) => void): void {
    if (this.#last.index >= index) call(true)
    else if (this.#closed) call(false)
    else this.#barriers.push({ index, call })
  }

  /** Nothing more will be applied: the replica is gone, or has fallen silent. */
  close(): void {
    this.#closed = true
    for (let barrier = this.#barriers.pop(); barrier !== undefined; barrier = this.#barriers.pop()) barrier.call(false)
  }

  #advanced(): void {
    this.#openBarriers()
    this.#events.advanced()
  }

  #openBarriers(): void {
    for (let first = this.#barriers.peek(); first !== undefined && first.index <= this.#last.index; first = this.#barriers.peek()) {
      this.#barriers.pop()
      first.call(true)
    }
  }
}

export interface ApplierEvents {
  applied(entry: Entry, applied: Applied): void
  /** The machine has moved on, by entries or by a snapshot. */
  advanced(): void
}

export interface AppliedPoint {
  readonly index: LogIndex
  readonly term: Term
  readonly time: Millis
}

interface Barrier {
  readonly index: LogIndex
  readonly call: (applied: boolean) => void
}
